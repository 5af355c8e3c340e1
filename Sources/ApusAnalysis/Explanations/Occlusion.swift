import ApusFormats
import ApusKernels
import ApusNN
import Foundation

/// What the class's probability loses where a window of the image is covered (Zeiler and Fergus, 2014, "Visualizing and
/// Understanding Convolutional Networks").
///
/// The window moves by `stride`, in its last place by less, so that it ends with the image. A pixel's value is the mean
/// of what is lost over the windows that cover it; it is below zero where the class becomes more probable. The map has
/// the size of the network's input.
///
/// No gradient is needed, but a forward pass for each place of the window.
///
/// **Deviations** from the paper, which shows the probability itself, a value for each place of the window.
public struct Occlusion: ExplanationMethod {
    /// By default a seventh of the image.
    public let window: ImageSize?
    /// By default half the window.
    public let stride: ImageSize?
    /// What the network sees in the window's place, in every channel, normalised: 0 is what the normalisation takes for
    /// the mean, by default that of the training images.
    public let fill: Float

    public init(window: ImageSize? = nil, stride: ImageSize? = nil, fill: Float = 0) {
        self.window = window
        self.stride = stride
        self.fill = fill
    }

    public var name: String { "Occlusion" }
    public var isSigned: Bool { true }

    public func layer(in network: Network) throws -> PlannedLayer? {
        _ = try places(in: network.input)
        guard fill.isFinite else {
            throw ExplanationError.invalidSetting(name: "fill", found: "\(fill)", expected: "a finite number")
        }
        return nil
    }

    public func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
        let shape = request.network.input
        let places = try places(in: shape)
        let fill = fill
        let variants = ImageVariants(count: request.count * places.count, of: { $0 / places.count }) {
            variant, tensor, index in
            let place = places[variant % places.count]
            for y in place.rows {
                for x in place.columns {
                    for channel in 0..<tensor.shape.channels { tensor[index, y, x, channel] = fill }
                }
            }
        }
        var maps: [AttributionMap] = []
        var sums: [Double] = []
        var counts: [Int] = []
        var whole = 0.0
        try request.forEachOutput(of: variants) { variant, logits in
            let (image, index) = (variant / places.count, variant % places.count)
            if index == 0 {
                sums = [Double](repeating: 0, count: shape.pixels)
                counts = [Int](repeating: 0, count: shape.pixels)
                whole = Self.probability(of: request.classes[image], request.logits[image])
            }
            let loss = whole - Self.probability(of: request.classes[image], logits)
            for y in places[index].rows {
                for x in places[index].columns {
                    sums[y * shape.width + x] += loss
                    counts[y * shape.width + x] += 1
                }
            }
            guard index == places.count - 1 else { return }
            maps.append(
                AttributionMap(
                    height: shape.height, width: shape.width,
                    values: zip(sums, counts).map { Float($0 / Double($1)) }))
        }
        return maps
    }

    /// In double precision, where the difference of two probabilities near 1 is still a number.
    private static func probability(of index: Int, _ logits: [Float]) -> Double {
        1 / logits.reduce(0) { $0 + exp(Double($1) - Double(logits[index])) }
    }

    private struct Place: Sendable {
        let rows: Range<Int>
        let columns: Range<Int>
    }

    /// The places of the window, row by row.
    private func places(in shape: Shape) throws -> [Place] {
        let window =
            window ?? ImageSize(height: max(1, shape.height / 7), width: max(1, shape.width / 7))
        let stride = stride ?? ImageSize(height: max(1, window.height / 2), width: max(1, window.width / 2))
        guard 1...shape.height ~= window.height, 1...shape.width ~= window.width else {
            throw ExplanationError.invalidSetting(
                name: "window", found: "\(window)",
                expected: "at least 1x1, and at most the network's input of \(shape.height)x\(shape.width)")
        }
        guard 1...window.height ~= stride.height, 1...window.width ~= stride.width else {
            throw ExplanationError.invalidSetting(
                name: "stride", found: "\(stride)",
                expected: "at least 1x1, and at most the window of \(window), for no pixel to be left out")
        }
        func starts(_ extent: Int, _ window: Int, _ stride: Int) -> [Int] {
            Array(Swift.stride(from: 0, to: extent - window, by: stride)) + [extent - window]
        }
        let columns = starts(shape.width, window.width, stride.width)
        return starts(shape.height, window.height, stride.height).flatMap { top in
            columns.map { left in
                Place(rows: top..<top + window.height, columns: left..<left + window.width)
            }
        }
    }
}

extension ExplanationMethod where Self == Occlusion {
    /// See `Occlusion`.
    public static func occlusion(
        window: ImageSize? = nil, stride: ImageSize? = nil, fill: Float = 0
    ) -> Occlusion {
        Occlusion(window: window, stride: stride, fill: fill)
    }
}
