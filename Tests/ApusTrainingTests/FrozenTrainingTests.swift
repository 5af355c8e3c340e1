import ApusData
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Trainer, frozen parameters")
struct FrozenTrainingTests {
    private static let frozen: [NamePattern] = ["conv.*", "hidden.bias"]

    private func trainer(_ data: DatasetSplits, optimizer: Int) throws -> Trainer {
        let network = try Network(
            SmallTask.layers(), input: SmallTask.shape, seed: 5, freezing: Self.frozen)
        return try Trainer(
            try Classifier(
                modelName: "task", network: network, classNames: data.train.classNames,
                normalization: data.normalization),
            on: data, SmallTask.configuration(SmallTask.optimizers[optimizer]), threads: 2)
    }

    @Test("Over a whole run frozen parameters do not move by a bit, and all others do", arguments: [0, 1])
    func frozen(optimizer: Int) throws {
        let data = try SmallTask.data()
        let trainer = try trainer(data, optimizer: optimizer)
        let network = trainer.classifier.network
        let before = network.parameters.map { network.values(of: $0).map(\.bitPattern) }
        try trainer.fit()
        for (parameter, bits) in zip(network.parameters, before) {
            let moved = network.values(of: parameter).map(\.bitPattern) != bits
            #expect(moved != Self.frozen.contains { $0.matches(parameter.name) }, "\(parameter.name)")
        }
        let states = SmallTask.optimizers[optimizer].stateCount
        #expect(trainer.memory.optimizerBytes == 4 * states * network.trainedFloats)
    }

    @Test("A run that stops and goes on with the same patterns ends with the same bits", arguments: [0, 1])
    func resume(optimizer: Int) throws {
        let data = try SmallTask.data()
        let whole = try trainer(data, optimizer: optimizer)
        try whole.fit()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        let stopped = try trainer(data, optimizer: optimizer)
        try stopped.fit(onStep: { $0.step < 6 })
        try stopped.save(to: file)

        let checkpoint = try Checkpoint(contentsOf: file)
        func resumed(_ freezing: [NamePattern]) throws -> Trainer {
            let classifier = try checkpoint.classifier(freezing: freezing) { SmallTask.layers(classes: $0) }
            let trainer = try Trainer(classifier, on: data, stopped.configuration)
            try trainer.resume(from: checkpoint)
            return trainer
        }
        let trainer = try resumed(Self.frozen)
        try trainer.fit()
        #expect(trainer.classifier.bits == whole.classifier.bits)
        #expect(throws: CheckpointError.self, "fewer") { try resumed(["conv.*"]) }
        let error = #expect(throws: CheckpointError.self, "as many, but others") {
            try resumed(["conv.*", "output.bias"])
        }
        #expect(error?.reason.contains("optimizer.0.output.weight, expected") == true, "\(error as Any)")
    }
}
