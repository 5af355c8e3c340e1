import ApusData
import ApusKernels
import ApusNN
import ApusTraining
import TestSupport
import Testing

@Suite("Training of compressed weights")
struct ConstrainedTrainingTests {
    private static let optimizers: [any Optimizer] = [
        GradientDescent(learningRate: 0.05), SGD(learningRate: 0.05, momentum: 0.9, weightDecay: 5e-3),
        SGD(learningRate: 0.05, momentum: 0.9, isNesterov: true, weightDecay: 5e-3),
        Adam(learningRate: 2e-3, weightDecay: 1e-2), Adam.decoupled(learningRate: 2e-3),
    ]

    /// The weights of one layer pruned, those of another shared, those of a third both.
    private func classifier(_ data: DatasetSplits) throws -> Classifier {
        let pruned = try Pruning(
            SmallTask.classifier(data), sparsity: 0.75, layers: ["conv", "hidden"]
        ).classifier
        return try WeightSharing(pruned, bits: 2, layers: ["hidden", "output"]).classifier
    }

    private func trainer(
        _ data: DatasetSplits, _ optimizer: any Optimizer, average: Double? = nil, threads: Int = 2
    ) throws -> Trainer {
        var configuration = SmallTask.configuration(optimizer)
        configuration.averageDecay = average
        return try Trainer(classifier(data), on: data, configuration, threads: threads)
    }

    /// Which weights are equal, as the place of the first of them.
    private func shares(_ values: [Float]) -> [Int] {
        values.map { value in values.firstIndex(of: value) ?? -1 }
    }

    @Test(
        "Zeros stay zero, and what is equal stays equal, with every optimiser, and in an average too",
        arguments: optimizers.indices, [nil, 0.7])
    func kept(optimizer: Int, average: Double?) throws {
        let data = try SmallTask.data()
        let trainer = try trainer(data, Self.optimizers[optimizer], average: average)
        let start = try trainer.classifier.snapshot().network
        try trainer.fit()
        for network in [trainer.classifier.network, trainer.tested.network] {
            for name in ["conv.weight", "hidden.weight"] {
                let (before, after) = try (start.values(name), network.values(name))
                #expect(before.count { $0 == 0 } == before.count * 3 / 4)
                #expect(zip(before, after).allSatisfy { ($0 == 0) == ($1 == 0) })
                #expect(after != before)
            }
            for name in ["hidden.weight", "output.weight"] {
                #expect(try shares(network.values(name)) == shares(start.values(name)))
                #expect(try Set(network.values(name)) != Set(start.values(name)))
            }
        }
    }

    @Test("Any number of threads gives the same bits")
    func threads() throws {
        let data = try SmallTask.data()
        let bits = try [1, 2, 3, 8].map { threads in
            let trainer = try trainer(data, Self.optimizers[1], threads: threads)
            try trainer.fit()
            return trainer.classifier.bits
        }
        #expect(bits.dropFirst().allSatisfy { $0 == bits[0] })
    }

    @Test(
        "A run that stops and goes on ends with the same bits", arguments: optimizers.indices, [nil, 0.7])
    func resume(optimizer: Int, average: Double?) throws {
        let data = try SmallTask.data()
        let whole = try trainer(data, Self.optimizers[optimizer], average: average)
        try whole.fit()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        let stopped = try trainer(data, Self.optimizers[optimizer], average: average)
        try stopped.fit(onStep: { $0.step < 6 })
        try stopped.save(to: file)
        let checkpoint = try Checkpoint(contentsOf: file)
        #expect(checkpoint.constraints == whole.classifier.constraints)
        let classifier = try checkpoint.classifier { SmallTask.layers(classes: $0) }
        let trainer = try Trainer(classifier, on: data, stopped.configuration)
        try trainer.resume(from: checkpoint)
        try trainer.fit()
        #expect(trainer.classifier.bits == whole.classifier.bits)
        #expect(trainer.tested.bits == whole.tested.bits)
        #expect(trainer.tested.constraints == whole.classifier.constraints)
    }

    /// A step of gradient descent, from the same weights on the same images.
    private func step(_ classifier: Classifier, _ data: DatasetSplits, clipNorm: Double?) throws -> Network {
        let configuration = TrainingConfiguration(
            epochs: 1, batchSize: 32, optimizer: GradientDescent(learningRate: 1), schedule: .constant,
            clipNorm: clipNorm, seed: 9)
        let trainer = try Trainer(classifier.snapshot(), on: data, configuration, threads: 2)
        try trainer.fit(onStep: { _ in false })
        return trainer.classifier.network
    }

    /// Weights are below 2, and rounded once after the step: by 2^-24 at most, and those of a share together by as many
    /// times that. Gradients are rounded themselves, each and in their sum.
    @Test(
        "A shared number moves by the sum of what its weights would move, a zero not at all, others as ever")
    func gradient() throws {
        let data = try SmallTask.data()
        let constrained = try classifier(data)
        let free = try constrained.constrained(by: WeightConstraints())
        let (before, expected) = (constrained.network, try step(free, data, clipNorm: nil))
        let found = try step(constrained, data, clipNorm: nil)
        for parameter in before.parameters {
            let start = before.values(of: parameter).map { Double($0) }
            var moves = zip(expected.values(of: parameter), start).map { Double($0) - $1 }
            let name = parameter.name
            if ["conv.weight", "hidden.weight"].contains(name) {
                for index in moves.indices where start[index] == 0 { moves[index] = 0 }
            }
            var members = 1
            if ["hidden.weight", "output.weight"].contains(name) {
                let shares = shares(before.values(of: parameter))
                let sums = Dictionary(zip(shares, moves), uniquingKeysWith: +)
                moves = shares.map { sums[$0] ?? 0 }
                members = Dictionary(grouping: shares) { $0 }.map(\.value.count).max() ?? 1
            }
            let actual = zip(found.values(of: parameter), start).map { Double($0) - $1 }
            expectClose(
                actual, moves, absolute: Double(members + 1) * 2 * 0x1p-24, relative: 0x1p-22, name)
        }
    }

    /// Clipped to c, the step of rate 1 has the length c, but for the rounding of each weight by 2^-24 at most.
    @Test("The length that is clipped leaves out zeros, and counts a shared number once")
    func clipping() throws {
        let data = try SmallTask.data()
        let constrained = try classifier(data)
        let clip = 0.01
        let found = try step(constrained, data, clipNorm: clip)
        var squares = 0.0
        var numbers = 0
        for parameter in constrained.network.parameters {
            let start = constrained.network.values(of: parameter)
            let moved = found.values(of: parameter)
            let isShared = ["hidden.weight", "output.weight"].contains(parameter.name)
            let shares = isShared ? shares(start) : Array(start.indices)
            for (index, share) in shares.enumerated() where share == index {
                let move = Double(moved[index]) - Double(start[index])
                squares += move * move
                numbers += 1
            }
        }
        let rounding = Double(numbers).squareRoot() * 0x1p-24
        #expect(abs(squares.squareRoot() - clip) < rounding + clip * 1e-3)
    }

    @Test("Pruned weights none of which is zero are trained as free ones, to the bit")
    func nothingPruned() throws {
        let data = try SmallTask.data()
        let plain = try SmallTask.trainer(data, SmallTask.configuration(Self.optimizers[1]))
        let pruned = try Pruning(SmallTask.classifier(data), sparsity: 0)
        let kept = try Trainer(
            pruned.classifier, on: data, SmallTask.configuration(Self.optimizers[1]), threads: 2)
        try plain.fit()
        try kept.fit()
        #expect(plain.classifier.bits == kept.classifier.bits)
    }
}
