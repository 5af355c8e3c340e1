import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Weight sharing")
struct WeightSharingTests {
    /// Groups of numbers around centres that are farther apart than they are wide.
    @Test("Of numbers in groups each group's mean is a centroid: the best there is")
    func separated() {
        let noise = uniformFloats(count: 400, seed: 6).map { 0.01 * $0 }
        let centres: [Float] = [-1, -0.3, 0.4, 1.1]
        let values = noise.enumerated().map { centres[$0.offset % 4] + $0.element }
        let clusters = ScalarClusters(values, count: 4)
        let means = (0..<4).map { group in
            let members = stride(from: group, to: 400, by: 4).map { Double(values[$0]) }
            return members.reduce(0, +) / 100
        }
        // A sum of 100 in double precision, and one rounding to a float.
        expectClose(clusters.centroids.map { Double($0) }, means, absolute: 1e-13, relative: 0x1p-24)
        for (index, value) in values.enumerated() {
            #expect(clusters.nearest(to: value) == clusters.centroids[index % 4])
        }
    }

    @Test("It settles where each centroid is the mean of the numbers nearest to it", arguments: [2, 8, 32])
    func fixedPoint(count: Int) {
        let values = uniformFloats(count: 3000, seed: 7).map { $0 * $0 * $0 }
        let clusters = ScalarClusters(values, count: count)
        #expect(clusters.centroids == clusters.centroids.sorted() && clusters.centroids.count <= count)
        let groups = Dictionary(grouping: values) { clusters.nearest(to: $0) }
        #expect(groups.count == clusters.centroids.count)
        for (centroid, members) in groups {
            let mean = members.reduce(0) { $0 + Double($1) } / Double(members.count)
            #expect(abs(mean - Double(centroid)) < 1e-6)
            let nearest = clusters.centroids.map { abs($0 - members[0]) }.min() ?? 0
            #expect(abs(members[0] - centroid) <= nearest)
        }
    }

    @Test("The start is a number at each of equal distances")
    func start() {
        // Each is the mean of what is nearest to it from the beginning on.
        let clusters = ScalarClusters([0, 0.75, 1.25, 1.75, 2.25, 3], count: 4)
        #expect(clusters.centroids == [0, 1, 2, 3])
    }

    @Test("Fewer different numbers than clusters are kept as they are")
    func few() {
        #expect(ScalarClusters([2, -1, 2, 5], count: 4).centroids == [-1, 2, 5])
        #expect(ScalarClusters([2, -1, 2, 5], count: 3).centroids == [-1, 2, 5])
        #expect(ScalarClusters([1, 2, 6], count: 1).centroids == [3])
        #expect(ScalarClusters([], count: 4).centroids.isEmpty)
    }

    @Test(
        "Each layer's weights are its codebook's, nearest to what they were; zeros stay",
        arguments: [1, 3, 8])
    func layers(bits: Int) throws {
        let pruned = try Pruning(SmallTask.classifier(SmallTask.data()), sparsity: 0.5, layers: ["hidden"])
        let sharing = try WeightSharing(pruned.classifier, bits: bits)
        for layer in sharing.layers {
            let name = "\(layer.path).weight"
            let before = try pruned.classifier.network.values(name)
            let after = try sharing.classifier.network.values(name)
            #expect(layer.codebook.count <= 1 << bits)
            #expect(Set(after.filter { $0 != 0 }) == Set(layer.codebook))
            for (old, new) in zip(before, after) {
                #expect((old == 0) == (new == 0))
                guard old != 0 else { continue }
                #expect(abs(old - new) <= layer.codebook.map { abs(old - $0) }.min() ?? 0)
            }
        }
        #expect(sharing.classifier.constraints.shared == ["conv.weight", "hidden.weight", "output.weight"])
        #expect(sharing.classifier.constraints.pruned == ["hidden.weight"])
        #expect(
            try sharing.classifier.network.values("conv.bias")
                == pruned.classifier.network.values("conv.bias"))
        let errors = sharing.layers.map(\.error)
        #expect(errors.allSatisfy { $0 >= 0 && $0 < 1 })
    }

    @Test("Zeros that nobody pruned stay zeros, too, while the codebook moves")
    func zeros() throws {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        let network = classifier.network
        try network.set(
            "output.weight", network.values("output.weight").enumerated().map { $0 < 20 ? 0 : $1 })
        let shared = try WeightSharing(classifier, bits: 3, layers: ["hidden", "output"]).classifier
        #expect(shared.constraints.pruned == ["output.weight"])
        let before = try shared.network.values("output.weight")
        let trainer = try Trainer(shared, on: data, SmallTask.configuration(SmallTask.optimizers[0]))
        try trainer.fit()
        let after = try trainer.classifier.network.values("output.weight")
        #expect(before != after && zip(before, after).allSatisfy { ($0 == 0) == ($1 == 0) })
    }

    @Test("A checkpoint has as many bits for each weight as its codebook needs")
    func checkpoint() throws {
        let classifier = try SmallTask.classifier(SmallTask.data())
        let shared = try WeightSharing(classifier, bits: 3).classifier
        let size = try NetworkSize(shared)
        let hidden = try #require(size.parameters.first { $0.name == "hidden.weight" })
        #expect(hidden.codebook == 8 && hidden.places == "all")
        #expect(hidden.bytes == 8 * 4 + 12 * 64 * 3 / 8)
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            try shared.save(to: file)
            #expect(try Data(contentsOf: file).count == size.fileBytes)
            let read = try Checkpoint(contentsOf: file).classifier { SmallTask.layers(classes: $0) }
            #expect(read.bits == shared.bits && read.constraints == shared.constraints)
        }
    }

    @Test("Other bits than 1 to 8 are refused", arguments: [0, 9, -1])
    func refusals(bits: Int) throws {
        let classifier = try SmallTask.classifier(SmallTask.data())
        #expect(throws: CompressionError.self) { try WeightSharing(classifier, bits: bits) }
    }
}
