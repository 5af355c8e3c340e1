import ApusAnalysis
import ApusData
import ApusKernels
import ApusNN
import ApusTraining
import Foundation
import Testing

@Suite("Activation statistics")
struct ActivationStatisticsTests {
    @Test(
        "Each layer's are those of all its outputs, whatever the batches and the layout",
        arguments: [(64, Layout.channelsFirst), (7, .channelsFirst), (16, .channelsLast), (20, .imagesLast)])
    func values(batchSize: Int, layout: Layout) throws {
        let (classifier, data) = (try InspectedTask.classifier(layout: layout), try InspectedTask.images())
        let statistics = try classifier.activationStatistics(of: data, batchSize: batchSize, threads: 2)
        #expect(statistics.images == 50)
        #expect(
            statistics.layers.map(\.layer) == [
                "conv", "relu", "pool", "flatten", "hidden", "relu2", "output",
            ])
        for layer in statistics.layers {
            let outputs = try InspectedTask.outputs(
                classifier, data, layer: layer.layer, batchSize: batchSize
            ).map(Double.init)
            let mean = outputs.reduce(0, +) / Double(outputs.count)
            let squares = outputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            // At most 12,800 terms are summed, each sum rounded by 2^-53: 2e-12 of the terms' magnitude.
            let magnitude = outputs.map(abs).max() ?? 0
            #expect(abs(try #require(layer.mean) - mean) <= 2e-12 * magnitude)
            #expect(
                abs(try #require(layer.deviation) - (squares / Double(outputs.count)).squareRoot())
                    <= 2e-12 * magnitude)
            #expect(layer.least == outputs.min() && layer.greatest == outputs.max())
            #expect(layer.zeroShare == Double(outputs.count { $0 == 0 }) / Double(outputs.count))
            #expect(layer.notFinite == 0)
        }
        #expect(statistics.layers[0].output == [8, 8, 4] && statistics.layers[4].output == [12])
    }

    @Test("A unit that is above zero nowhere is dead, in the ReLU and in what only hands it on")
    func deadUnits() throws {
        let classifier = try InspectedTask.classifier()
        try classifier.network.change("conv.weight") { for tap in 9..<18 { $0[tap] = 0 } }
        try classifier.network.change("conv.bias") { $0[1] = -1 }
        try classifier.network.change("hidden.weight") { for input in 3 * 64..<4 * 64 { $0[input] = 0 } }
        try classifier.network.change("hidden.bias") { $0[3] = 0 }
        let statistics = try classifier.activationStatistics(of: InspectedTask.images())
        let layers = Dictionary(uniqueKeysWithValues: statistics.layers.map { ($0.layer, $0) })
        #expect(layers["conv"]?.deadUnits == nil, "its outputs are negative too")
        #expect(layers["relu"]?.deadUnits?.contains(1) == true && layers["relu"]?.units == 4)
        #expect(layers["pool"]?.deadUnits == layers["relu"]?.deadUnits)
        #expect(layers["relu2"]?.deadUnits?.contains(3) == true, "zero is not above zero")
        #expect(layers["flatten"]?.deadUnits.map { Set($0).isSuperset(of: 16..<32) } == true)
    }

    @Test("They have the same bits for any number of threads", arguments: [2, 3])
    func threads(count: Int) throws {
        let (classifier, data) = (try InspectedTask.classifier(), try InspectedTask.images())
        let one = try classifier.activationStatistics(of: data, batchSize: 32, threads: 1)
        #expect(try classifier.activationStatistics(of: data, batchSize: 32, threads: count) == one)
    }

    @Test("Fewer images are taken at equal distances")
    func thinned() throws {
        let (classifier, data) = (try InspectedTask.classifier(), try InspectedTask.images())
        let some = try classifier.activationStatistics(of: data, images: 10)
        #expect(some.images == 10)
        let pixels = (0..<10).flatMap { Array(data.image(at: 5 * $0)) }
        let chosen = try ImageDataset(
            name: data.name, split: data.split, shape: data.shape, pixels: pixels,
            labels: (0..<10).map { data.labels[5 * $0] }, classNames: data.classNames)
        #expect(try classifier.activationStatistics(of: chosen) == some)
        #expect(try classifier.activationStatistics(of: data, images: 1000).images == 50)
    }

    @Test("What is not finite is counted, and no part of the rest")
    func notFinite() throws {
        let classifier = try InspectedTask.classifier()
        // Sums of these overflow.
        try classifier.network.change("hidden.weight") { for place in $0.indices { $0[place] = 3e38 } }
        try classifier.network.change("conv.bias") { for place in $0.indices { $0[place] = 1000 } }
        let statistics = try classifier.activationStatistics(of: InspectedTask.images())
        let hidden = try #require(statistics.layers.first { $0.layer == "hidden" })
        #expect(hidden.notFinite == 50 * 12 && hidden.mean == nil && hidden.deadUnits == nil)
        #expect(statistics.layers[0].notFinite == 0 && statistics.layers[0].mean != nil)
        let text = try JSONEncoder().encode(statistics)
        #expect(try JSONDecoder().decode(ActivationStatistics.self, from: text) == statistics)
    }

    @Test("Images of another extent are refused")
    func refusal() throws {
        let other = try ImageDataset.synthetic(
            count: 5, shape: Shape(height: 9, width: 9, channels: 1), classes: 5, seed: 3, split: "test")
        #expect(throws: ClassifierError.self) {
            try InspectedTask.classifier().activationStatistics(of: other)
        }
    }
}
