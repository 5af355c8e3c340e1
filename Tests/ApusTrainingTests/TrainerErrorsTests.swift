import ApusData
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Trainer, errors")
struct TrainerErrorsTests {
    @Test("A loss that is first infinite in the test pass names step and rate as any other")
    func divergesInTest() throws {
        // One step an epoch: the loss of training is still that of the first parameters.
        var configuration = SmallTask.configuration(GradientDescent(learningRate: 1e20))
        configuration.batchSize = 100
        configuration.schedule = .constant
        configuration.clipNorm = nil
        let trainer = try SmallTask.trainer(SmallTask.data(), configuration)
        let error = #expect(throws: TrainingError.self) { try trainer.fit() }
        guard case .diverged(_, let epoch, let step, let rate) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(epoch == 1 && step == 1 && rate == 1e20)
    }

    @Test("Going on from a checkpoint takes its parameters, whatever the classifier had")
    func resumesParameters() throws {
        let data = try SmallTask.data()
        let configuration = SmallTask.configuration(SmallTask.optimizers[0])
        let whole = try SmallTask.trainer(data, configuration)
        try whole.fit()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        let stopped = try SmallTask.trainer(data, configuration)
        try stopped.fit(onStep: { $0.step < 5 })
        try stopped.save(to: file)

        let classifier = try SmallTask.classifier(data)
        try classifier.network.initialize(seed: 99)
        let resumed = try Trainer(classifier, on: data, configuration)
        try resumed.resume(from: try Checkpoint(contentsOf: file))
        try resumed.fit()
        #expect(resumed.classifier.bits == whole.classifier.bits)
    }

    @Test("The test loss is of the kind that is trained")
    func testLoss() throws {
        var configuration = SmallTask.configuration(SmallTask.optimizers[1])
        configuration.loss = MeanSquaredError()
        let data = try SmallTask.data()
        let trainer = try SmallTask.trainer(data, configuration)
        try trainer.fit()
        let report = try trainer.classifier.evaluate(data.test, loss: MeanSquaredError())
        #expect(trainer.history.last?.testLoss == report.loss)
    }

    @Test(
        "Absurd numbers of epochs and images are refused",
        arguments: [(0, 32), (Int.max, 32), (1, 0), (1, Int.max)])
    func absurd(epochs: Int, batchSize: Int) throws {
        let configuration = TrainingConfiguration(epochs: epochs, batchSize: batchSize)
        #expect(throws: TrainingError.self) { try SmallTask.trainer(SmallTask.data(), configuration) }
    }
}
