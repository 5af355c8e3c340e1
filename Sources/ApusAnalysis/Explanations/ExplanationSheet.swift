import ApusData
import ApusFormats

/// Explanations as a picture: each image, and beside it the image in grey with its map in colour over it.
///
/// A map has its own scale: full colour is its 99th percentile, since a few places above it would leave the rest dark
/// (Smilkov et al., 2017, section 3). Where maps have a sign, white is zero and blue is evidence against the class.
public struct ExplanationSheet: Sendable {
    /// An image and its explanation.
    public struct Entry: Sendable {
        public var title: String
        public var image: PixelImage
        public var explanation: Explanation

        public init(title: String, image: PixelImage, explanation: Explanation) {
            (self.title, self.image, self.explanation) = (title, image, explanation)
        }
    }

    public var entries: [Entry]
    /// Classes that are named under each image, the most probable first.
    public var namedClasses = 3

    /// Images whose longer side has fewer pixels than this are enlarged, each pixel as often as keeps them within it.
    private static let enlargedExtent = 168
    private static let greatestExtent = 288
    private static let mostPairsInARow = 4

    /// - Parameter entries: of one method.
    public init(_ entries: [Entry]) { self.entries = entries }

    /// The sheet as one image.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func image(font: Font) throws -> PixelImage {
        let pairs = try entries.map(pair)
        let wanted = (Double(entries.count) / 2).squareRoot().rounded(.up)
        let count = max(1, min(Self.mostPairsInARow, Int(wanted)))
        var sheet = ImageSheet(
            stride(from: 0, to: pairs.count, by: count).map { start in
                ImageSheet.Row(pairs[start..<min(start + count, pairs.count)].flatMap(\.self))
            })
        sheet.extents = 1...Self.greatestExtent
        if let first = entries.first?.explanation {
            sheet.title = first.title
            let scale = try MapScale(first)
            // Of several maps the bar says what their scales have in common.
            sheet.colorBar = entries.count == 1 ? scale.bar : scale.relativeBar
        }
        return try sheet.image(font: font)
    }

    private func pair(_ entry: Entry) throws -> [ImageSheet.Cell] {
        let explanation = entry.explanation
        let scale = try MapScale(explanation)
        let image = try shown(entry.image)
        let best = explanation.prediction.best(namedClasses).map {
            "\(explanation.classNames[$0]) \(Double(explanation.prediction.probabilities[$0]).decimals(3))"
        }
        let probability = Double(explanation.probability).decimals(3)
        var captions = ["for \(explanation.className), \(probability)"]
        if scale.limit == 0 {
            captions.append("zero everywhere")
        } else if entries.count > 1 {
            captions.append("full colour: \(scale.limit.digits(3))")
        }
        return [
            ImageSheet.Cell(image, captions: [entry.title] + best),
            ImageSheet.Cell(try scale.overlay(explanation.map, on: image), captions: captions),
        ]
    }

    /// The image in a size for people to see.
    private func shown(_ image: PixelImage) throws -> PixelImage {
        let image = try image.reduced(toExtent: Self.greatestExtent)
        let zoom = max(1, Self.enlargedExtent / max(image.height, image.width))
        guard zoom > 1 else { return image }
        var canvas = Canvas(width: zoom * image.width, height: zoom * image.height)
        canvas.draw(image, x: 0, y: 0, zoom: zoom)
        return canvas.image
    }
}

/// What the colours of a map stand for.
private struct MapScale {
    /// The magnitude of full colour; 0 where the map is zero everywhere.
    let limit: Double
    private let isSigned: Bool

    /// How much of the picture is colour: at the most, and where unsigned maps are zero.
    private static let (opacity, opacityOfNothing) = (0.7, 0.5)

    init(_ explanation: Explanation) throws {
        isSigned = explanation.isSigned
        let magnitudes = try explanation.mapOfInput().values.map { abs(Double($0)) }.sorted()
        let percentile = magnitudes[(magnitudes.count - 1) * 99 / 100]
        // Where nearly all is zero, the rest is worth seeing.
        limit = percentile > 0 ? percentile : magnitudes.last ?? 0
    }

    private var colors: ColorMap { isSigned ? .diverging : .heat }
    var bar: ColorBar { ColorBar(colors, from: isSigned ? -limit : 0, to: limit) }
    var relativeBar: ColorBar { ColorBar(colors, from: isSigned ? -1 : 0, to: 1) }

    /// The image in grey under the map's colours.
    func overlay(_ map: AttributionMap, on image: PixelImage) throws -> PixelImage {
        let map = try map.resized(to: image.size)
        let grey = image.converted(toChannels: 1).samples
        var samples: [UInt8] = []
        samples.reserveCapacity(3 * grey.count)
        for (value, sample) in zip(map.values, grey) {
            let share = limit > 0 ? max(-1, min(1, Double(value) / limit)) : 0
            let color = colors.color(isSigned ? (share + 1) / 2 : share)
            let least = isSigned ? 0 : Self.opacityOfNothing
            let mixed = Color.grey(sample).mixed(
                with: color, share: least + abs(share) * (Self.opacity - least))
            samples += [mixed.red, mixed.green, mixed.blue]
        }
        return PixelImage(height: image.height, width: image.width, channels: 3, samples: samples)
    }
}
