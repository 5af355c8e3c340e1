import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Pruning")
struct PruningTests {
    private func classifier() throws -> Classifier { try SmallTask.classifier(SmallTask.data()) }

    @Test(
        "Of each layer the smallest weights are zero, the others and all biases as they were",
        arguments: [0, 0.5, 0.9])
    func byLayer(sparsity: Double) throws {
        let classifier = try classifier()
        let pruning = try Pruning(classifier, sparsity: sparsity)
        #expect(pruning.layers.map(\.path) == ["conv", "hidden", "output"])
        for parameter in classifier.network.parameters {
            let before = classifier.network.values(of: parameter)
            let after = pruning.classifier.network.values(of: parameter)
            guard parameter.name.hasSuffix("weight") else {
                #expect(after == before)
                continue
            }
            let layer = try #require(pruning.layers.first { parameter.name == "\($0.path).weight" })
            #expect(after.count { $0 == 0 } == Int(sparsity * Double(before.count)))
            #expect(layer.nonzeros == after.count { $0 != 0 } && layer.weights == before.count)
            for (old, new) in zip(before, after) {
                #expect(new == 0 ? abs(old) <= layer.threshold : new == old && abs(old) >= layer.threshold)
            }
        }
    }

    @Test("Over all layers together the smallest weights of all are zero")
    func global() throws {
        let classifier = try classifier()
        let weights = try ["conv", "hidden", "output"].flatMap {
            try classifier.network.values("\($0).weight").map(abs)
        }
        let pruning = try Pruning(classifier, sparsity: 0.8, scope: .network)
        let count = Int(0.8 * Double(weights.count))
        #expect(pruning.layers.reduce(0) { $0 + $1.weights - $1.nonzeros } == count)
        #expect(pruning.layers.map(\.threshold).max() == weights.sorted()[count - 1])
        let shares = pruning.layers.map { Double($0.nonzeros) / Double($0.weights) }
        #expect(Set(shares).count == 3)
    }

    @Test("Among equals the first are zero")
    func ties() throws {
        let classifier = try classifier()
        try classifier.network.set("output.weight", [Float](repeating: -0.5, count: 60))
        let pruned = try Pruning(classifier, sparsity: 0.25, layers: ["output"]).classifier
        #expect(
            try pruned.network.values("output.weight")
                == [Float](repeating: 0, count: 15) + [Float](repeating: -0.5, count: 45))
        #expect(pruned.constraints.pruned == ["output.weight"])
    }

    @Test("A checkpoint keeps the zeros and their constraint in fewer bytes, and older programs refuse it")
    func checkpoint() throws {
        let classifier = try classifier()
        let pruned = try Pruning(classifier, sparsity: 0.9).classifier
        try withTemporaryDirectory { directory in
            let (dense, sparse) = (directory.appending(path: "dense"), directory.appending(path: "sparse"))
            try classifier.save(to: dense)
            try pruned.save(to: sparse)
            let (before, after) = try (Data(contentsOf: dense), Data(contentsOf: sparse))
            #expect(before[4] == 1 && after[4] == 2)
            #expect(after.count < before.count / 2)
            let size = try NetworkSize(pruned)
            #expect(size.fileBytes == after.count && size.numbers == classifier.network.parameterCount)
            let read = try Checkpoint(contentsOf: sparse).classifier { SmallTask.layers(classes: $0) }
            #expect(read.bits == pruned.bits && read.constraints == pruned.constraints)
            #expect(try Checkpoint(contentsOf: dense).constraints.isEmpty)
        }
    }

    @Test("What cannot be is refused")
    func refusals() throws {
        let classifier = try classifier()
        for sparsity in [1, -0.1, .nan] {
            #expect(throws: CompressionError.self) { try Pruning(classifier, sparsity: sparsity) }
        }
        #expect(throws: CompressionError.self) { try Pruning(classifier, sparsity: 0.5, layers: ["relu"]) }
        let unknown = WeightConstraints(pruned: ["fc9.weight"])
        #expect(throws: ParameterError.self) { try classifier.constrained(by: unknown) }
        try classifier.network.set("output.weight", [.infinity] + [Float](repeating: 1, count: 59))
        #expect(throws: CompressionError.self) { try Pruning(classifier, sparsity: 0.5) }
    }
}
