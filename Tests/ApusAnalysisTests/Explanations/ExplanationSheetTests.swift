import ApusAnalysis
import ApusFormats
import ApusKernels
import TestSupport
import Testing

/// The left half of an image speaks against the class, or for nothing; the right one for it.
private struct Halves: ExplanationMethod {
    let isSigned: Bool
    let name = "Halves"

    func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
        let input = request.network.input
        let values = (0..<input.pixels).map { place -> Float in
            place % input.width < input.width / 2 ? (isSigned ? -1 : 0) : 1
        }
        let map = AttributionMap(height: input.height, width: input.width, values: values)
        return [AttributionMap](repeating: map, count: request.count)
    }
}

@Suite("A sheet of explanations")
struct ExplanationSheetTests {
    private func entries(
        _ count: Int, by method: any ExplanationMethod, classIndex: Int? = nil
    ) throws -> [ExplanationSheet.Entry] {
        let images = ExplainedNetwork.images(count)
        let explanations = try Explainer(ExplainedNetwork().classifier).explain(
            images, by: method, classIndex: classIndex)
        return zip(images, explanations).enumerated().map { index, pair in
            ExplanationSheet.Entry(title: "image \(index)", image: pair.0, explanation: pair.1)
        }
    }

    private func sheet(_ entries: [ExplanationSheet.Entry]) throws -> PixelImage {
        try ExplanationSheet(entries).image(font: .standard())
    }

    @Test("Up to four pairs stand side by side, and rows below each other")
    func layout() throws {
        let sizes = try [1, 2, 3, 8, 9, 40].map { try sheet(entries($0, by: .classActivationMap)) }
        // An image of 8x6 is shown as 168x126.
        for (size, (columns, rows)) in zip(sizes, [(2, 1), (2, 2), (4, 2), (4, 4), (6, 3), (8, 10)]) {
            #expect(size.width / 126 >= columns && size.height / 168 >= rows)
        }
        #expect(sizes[1].height > sizes[0].height && sizes[2].width > sizes[1].width)
    }

    /// Pixels that are no grey, but for the colour bar at the right.
    private func coloured(_ image: PixelImage) -> [(red: Int, blue: Int)] {
        let places = (0..<image.height * image.width).filter { $0 % image.width < image.width - 90 }
        return places.map { 3 * $0 }.compactMap { place in
            let (red, green, blue) = (
                image.samples[place], image.samples[place + 1], image.samples[place + 2]
            )
            return red == green && green == blue ? nil : (Int(red), Int(blue))
        }
    }

    @Test("What speaks for a class is red, what speaks against it blue; a map without a sign has no blue")
    func colours() throws {
        func grey(_ entries: [ExplanationSheet.Entry]) -> [ExplanationSheet.Entry] {
            entries.map {
                ExplanationSheet.Entry(
                    title: "", image: $0.image.converted(toChannels: 1), explanation: $0.explanation)
            }
        }
        let signed = try coloured(sheet(grey(entries(1, by: Halves(isSigned: true)))))
        #expect(signed.contains { $0.red > $0.blue + 60 } && signed.contains { $0.blue > $0.red + 60 })
        let unsigned = try coloured(sheet(grey(entries(1, by: Halves(isSigned: false)))))
        #expect(unsigned.contains { $0.red > $0.blue + 60 } && !unsigned.contains { $0.blue > $0.red + 20 })
    }

    @Test("A picture depends on the class that is explained, and on the method")
    func differs() throws {
        let first = try sheet(entries(1, by: .classActivationMap, classIndex: 0))
        #expect(try sheet(entries(1, by: .classActivationMap, classIndex: 0)) == first)
        #expect(try sheet(entries(1, by: .classActivationMap, classIndex: 1)) != first)
        #expect(try sheet(entries(1, by: .occlusion(), classIndex: 0)) != first)
    }

    @Test("A photo is reduced, and its map with it")
    func photo() throws {
        let photo = PixelImage.random(height: 300, width: 900, channels: 3, seed: 1)
        let explanation = try Explainer(ExplainedNetwork().classifier).explain(photo, by: .saliency)
        let picture = try sheet([.init(title: "photo", image: photo, explanation: explanation)])
        // Two of 288x96.
        #expect(2 * 288..<2 * 288 + 200 ~= picture.width)
    }
}
