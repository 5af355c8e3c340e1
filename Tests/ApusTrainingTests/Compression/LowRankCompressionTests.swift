import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Low-rank compression")
struct LowRankCompressionTests {
    private static let shape = Shape(height: 7, width: 6, channels: 3)

    /// A layer of each kind, alone: nothing carries its rounding on.
    private static let layers: [(name: String, layers: Sequential)] = [
        (
            "linear",
            Sequential {
                Flatten(); Linear(126, 9).named("layer")
            }
        ),
        (
            "convolution",
            Sequential {
                Conv2D(3, 8, kernel: 3, padding: 1).named("layer"); Flatten()
            }
        ),
        (
            "strided",
            Sequential {
                Conv2D(
                    inputChannels: 3, outputChannels: 5, kernelSize: .init(height: 2, width: 3),
                    stride: .init(2), padding: .same, bias: false
                ).named("layer")
                Flatten()
            }
        ),
        (
            "dilated",
            Sequential {
                Conv2D(3, 4, kernel: 3, dilation: 2).named("layer"); Flatten()
            }
        ),
    ]

    /// `y' = L (R x)` against `y = W x`: the factors are rounded once each, sums have as many terms as there are inputs
    /// and ranks, and the sum of the absolute products is at most `sqrt(rank) s1 |x|`. The direct sum has no more.
    @Test(
        "At full rank the outputs are the same but for rounding", arguments: 0..<4, Layout.allCases)
    func fullRank(index: Int, layout: Layout) throws {
        let classifier = try Classifier(Self.layers[index].layers, input: Self.shape, layout: layout)
        let weight = try #require(classifier.network.parameters.first { $0.name == "layer.weight" })
        let (rows, columns) = (weight.shape[0], weight.count / weight.shape[0])
        let rank = min(rows, columns)
        let compression = try LowRankCompression(
            classifier, energy: nil, ranks: LayerRanks([.init(path: "layer", rank: rank)]))
        #expect(compression.classifier.modelName == "task+layer=\(rank)")
        #expect(compression.layers.map(\.energy) == [1])
        let images = (0..<3).map { uniformFloats(count: Self.shape.count, seed: $0) }
        let svd = try SingularValues(classifier.network.values(of: weight), rows: rows, columns: columns)
        let length = Double(rank * columns).squareRoot()
        let tolerance = 2 * Double(columns + rank + 4) * 0x1p-24 * svd.values[0] * length
        expectClose(
            try compression.classifier.network.outputs(images), try classifier.network.outputs(images),
            absolute: tolerance, Self.layers[index].name)
    }

    @Test("A weight of rank 2 is kept by two features, and said to be deficient")
    func deficient() throws {
        let classifier = try Classifier(
            Sequential {
                Flatten(); Linear(126, 9).named("layer")
            }, input: Self.shape)
        let (left, right) = (integers(count: 9 * 2, seed: 1), integers(count: 2 * 126, seed: 2))
        var weight: [Float] = []
        for row in 0..<9 {
            let (first, second) = (left[2 * row], left[2 * row + 1])
            for column in 0..<126 { weight.append(first * right[column] + second * right[126 + column]) }
        }
        try classifier.network.set("layer.weight", weight)
        let compression = try LowRankCompression(classifier, energy: 1)
        let layer = try #require(compression.layers.first)
        #expect(layer.numericalRank == 2 && layer.rank == 2 && layer.isDeficient && layer.reason == nil)
        #expect(layer.factoredWeights == 2 * 135)
        #expect(try compression.classifier.network.parameter(named: "layer.1.weight").shape == [9, 2])
        let bias = try classifier.network.values("layer.bias")
        #expect(try compression.classifier.network.values("layer.1.bias") == bias)
    }

    @Test(
        "The rank is the least that keeps the energy, and the energy is what it keeps",
        arguments: [0.5, 0.8, 0.95])
    func energy(share: Double) throws {
        let classifier = try SmallTask.classifier(SmallTask.data())
        let compression = try LowRankCompression(classifier, energy: share, layers: ["hidden"])
        let layer = try #require(compression.layers.first)
        let svd = try SingularValues(classifier.network.values("hidden.weight"), rows: 12, columns: 64)
        #expect(layer.rank == svd.rank(keeping: share) && layer.energy >= share)
        #expect(layer.rank == 1 || svd.energy(ofRank: layer.rank - 1) < share)
        #expect(compression.layers.count == 1)
        #expect(layer.reason == (layer.factoredWeights >= layer.weights ? .cost : nil))
        let saved = layer.reason == nil ? layer.weights - layer.factoredWeights : 0
        #expect(
            compression.classifier.network.parameterCount == classifier.network.parameterCount - saved)
        #expect(
            try LowRankCompression(classifier, energy: share).layers.map(\.path) == [
                "conv", "hidden", "output",
            ])
    }

    @Test("A layer whose factors cost no less is left to the bit, unless its rank is asked for")
    func cost() throws {
        let classifier = try SmallTask.classifier(SmallTask.data())
        let compression = try LowRankCompression(classifier, energy: 1)
        #expect(compression.layers.map(\.reason) == [.cost, .cost, .cost])
        #expect(compression.classifier.bits == classifier.bits)
        #expect(compression.classifier.modelName == "task")
        let asked = try LowRankCompression(
            classifier, energy: nil, ranks: LayerRanks(parsing: "output=5"))
        #expect(asked.layers.map(\.path) == ["output"])
        #expect(asked.classifier.network.parameterCount > classifier.network.parameterCount)
    }

    @Test("Groups and weights under constraints are left, and it is said why")
    func left() throws {
        let layers = Sequential {
            Conv2D(4, 8, kernel: 3, groups: 2).named("grouped")
            Flatten()
            Linear(8, 2).named("fc")
        }
        let classifier = try Classifier(layers, input: Shape(height: 3, width: 3, channels: 4))
        #expect(
            try LowRankCompression(classifier, energy: 0.3).layers.map(\.reason) == [.groups, nil])
        let pruned = try Pruning(SmallTask.classifier(SmallTask.data()), sparsity: 0.5, layers: ["hidden"])
        let compression = try LowRankCompression(pruned.classifier, energy: 0.5)
        #expect(compression.layers.map(\.reason)[1] == .constrained)
        #expect(compression.classifier.constraints.pruned == ["hidden.weight"])
        #expect(
            try compression.classifier.network.values("hidden.weight")
                == pruned.classifier.network.values("hidden.weight"))
    }

    @Test("A checkpoint of it is read with the same bits, by name or by the layers of a model of one's own")
    func checkpoint() throws {
        let task = try LowRankCompression(
            SmallTask.classifier(SmallTask.data()), energy: 0.5
        ).classifier
        let network = try Network(LeNet5(), seed: 2)
        let lenet = try LowRankCompression(
            Classifier(
                modelName: LeNet5.name, network: network, classNames: (0..<10).map(String.init),
                normalization: .init(mean: [0.5], deviation: [0.25])), energy: 0.5
        ).classifier
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            try task.save(to: file)
            let read = try Checkpoint(contentsOf: file).classifier { SmallTask.layers(classes: $0) }
            #expect(read.bits == task.bits && read.modelName == task.modelName)
            try lenet.save(to: file)
            let found = try Classifier.load(from: file)
            #expect(found.bits == lenet.bits && found.network.layout == lenet.network.layout)
            #expect(lenet.modelName.hasPrefix("lenet5+"))
            // What an older program has of the file is a name that it does not know.
            #expect(!ModelCatalog.variantNames.contains(found.modelName))
        }
    }

    @Test("What is compressed again has all its ranks in its name")
    func again() throws {
        let once = try LowRankCompression(
            SmallTask.classifier(SmallTask.data()), energy: nil, ranks: LayerRanks(parsing: "hidden=5")
        ).classifier
        let twice = try LowRankCompression(
            once, energy: nil, ranks: LayerRanks(parsing: "hidden.0=2,output=3")
        ).classifier
        #expect(twice.modelName == "task+hidden=5,hidden.0=2,output=3")
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            try twice.save(to: file)
            let read = try Checkpoint(contentsOf: file).classifier { SmallTask.layers(classes: $0) }
            #expect(read.bits == twice.bits)
        }
    }

    @Test("What cannot be is refused")
    func refusals() throws {
        let classifier = try SmallTask.classifier(SmallTask.data())
        for energy in [0, -1, 1.5, .nan] {
            #expect(throws: CompressionError.self) { try LowRankCompression(classifier, energy: energy) }
        }
        #expect(throws: CompressionError.pattern("fc*", known: ["conv", "hidden", "output"])) {
            try LowRankCompression(classifier, energy: 0.9, layers: ["fc*"])
        }
        #expect(throws: FactoringError.self) {
            try LowRankCompression(classifier, energy: nil, ranks: LayerRanks(parsing: "relu=2"))
        }
        // Its weight is 5x12.
        #expect(throws: FactoringError.rank(6, layer: "output", rows: 5, columns: 12)) {
            try LowRankCompression(classifier, energy: nil, ranks: LayerRanks(parsing: "output=6"))
        }
        try classifier.network.set("output.weight", [.nan] + [Float](repeating: 1, count: 59))
        let error = #expect(throws: CompressionError.self) {
            try LowRankCompression(classifier, energy: 0.9)
        }
        #expect("\(try #require(error))".contains("layer output: found nan in row 0, column 0"))
    }
}
