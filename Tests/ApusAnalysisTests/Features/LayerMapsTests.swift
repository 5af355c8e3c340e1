import ApusAnalysis
import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining
import Testing

@Suite("Feature maps")
struct LayerMapsTests {
    @Test("They are each layer's outputs for the image, with what is fused elsewhere by itself")
    func values() throws {
        let (classifier, data) = (try InspectedTask.classifier(), try InspectedTask.images(count: 1))
        let maps = try classifier.featureMaps(of: data.image(0))
        #expect(maps.map(\.layer) == ["conv", "relu", "pool", "flatten", "hidden", "relu2", "output"])
        for map in maps {
            #expect(map.values == (try InspectedTask.outputs(classifier, data, layer: map.layer)))
        }
        #expect(maps[0].hasNegatives && !maps[1].hasNegatives)
        #expect(maps[1].values == maps[0].values.map { max($0, 0) })
    }

    @Test("Layers are chosen by patterns, and one that describes none is refused")
    func patterns() throws {
        let (classifier, image) = (
            try InspectedTask.classifier(), try InspectedTask.images(count: 1).image(0)
        )
        let found = try classifier.featureMaps(of: image, layers: ["relu*", "conv"])
        #expect(found.map(\.layer) == ["conv", "relu", "relu2"])
        #expect(throws: UnknownLayerError.self) {
            try classifier.featureMaps(of: image, layers: ["conv", "pol"])
        }
    }

    private func pictures(_ values: [Float], scale: LayerMaps.Scale) throws -> [[UInt8]] {
        // A network whose first layer puts out these values: a bias for each channel.
        let classifier = try InspectedTask.classifier(
            Sequential {
                Conv2D(1, values.count, kernel: 8).named("maps")
                Linear(values.count, 5).named("output")
            })
        try classifier.network.change("maps.weight") { for place in $0.indices { $0[place] = 0 } }
        try classifier.network.change("maps.bias") { $0 = values }
        let image = try InspectedTask.images(count: 1).image(0)
        let maps = try classifier.featureMaps(of: image, layers: ["maps"])
        return ImageSheet(maps[0], scale: scale).rows.flatMap(\.cells).map(\.image.samples)
    }

    @Test(
        "A vector is one picture: zero is black and its greatest value the last colour, what is left is white"
    )
    func vector() throws {
        let last = ColorMap.heat.color(1)
        let samples = try pictures([0, 0, 4], scale: .all)
        #expect(
            samples == [[0, 0, 0, 0, 0, 0, last.red, last.green, last.blue, 255, 255, 255]])
    }

    @Test("Where a value is negative zero is in the middle; what is not finite has a colour of its own")
    func signs() throws {
        let (middle, first) = (ColorMap.diverging.color(0.5), ColorMap.diverging.color(0))
        let samples = try pictures([0, -4, 2, .infinity], scale: .all)[0]
        #expect(samples[0..<3] == [middle.red, middle.green, middle.blue])
        #expect(samples[3..<6] == [first.red, first.green, first.blue])
        let half = ColorMap.diverging.color(0.75)
        #expect(samples[6..<9] == [half.red, half.green, half.blue])
        #expect(samples[9..<12] == [255, 0, 255])
    }

    @Test(
        "A sheet shows the first maps, each with its number, and with its greatest value where scales differ")
    func sheet() throws {
        let image = try InspectedTask.images(count: 1).image(0)
        let maps = try InspectedTask.classifier().featureMaps(of: image, layers: ["relu"])[0]
        let sheet = ImageSheet(maps, scale: .all, count: 3)
        #expect(sheet.rows.flatMap(\.cells).map(\.captions) == [["0"], ["1"], ["2"]])
        #expect(sheet.title == "relu: ReLU, 8x8x4, the first 3, all on one scale" && sheet.colorBar != nil)
        let each = ImageSheet(maps, scale: .each)
        #expect(each.rows.flatMap(\.cells).allSatisfy { $0.captions[0].contains(": ") })
        #expect(each.colorBar == nil)
    }
}
