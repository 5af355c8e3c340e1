import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Early stopping")
struct EarlyStoppingTests {
    private func records(accuracies: [Double], losses: [Double] = []) -> [EpochRecord] {
        accuracies.enumerated().map { index, accuracy in
            EpochRecord(
                epoch: index + 1, trainLoss: 1, trainAccuracy: 0.5,
                testLoss: losses.isEmpty ? 1 : losses[index], testAccuracy: accuracy, imagesPerSecond: 1,
                learningRate: 0.1, seconds: 1)
        }
    }

    @Test("Epochs are counted since the last that was better than all before it")
    func counts() {
        let rule = EarlyStopping(patience: 3)
        #expect(rule.epochsWithoutImprovement([]) == 0)
        #expect(rule.epochsWithoutImprovement(records(accuracies: [0.5])) == 0)
        #expect(rule.epochsWithoutImprovement(records(accuracies: [0.5, 0.5, 0.4])) == 2)
        #expect(rule.epochsWithoutImprovement(records(accuracies: [0.5, 0.4, 0.45, 0.51])) == 0)
        let losses = EarlyStopping(patience: 3, measure: .loss)
        let history = records(accuracies: [0.5, 0.6, 0.7, 0.8], losses: [0.9, 0.7, 0.8, 0.7])
        #expect(losses.epochsWithoutImprovement(history) == 2)
    }

    @Test("What improves by no more than the minimum is no improvement, and raises no bar")
    func minimum() {
        let rule = EarlyStopping(patience: 3, minimumImprovement: 0.125)
        #expect(rule.epochsWithoutImprovement(records(accuracies: [0.5, 0.625])) == 1)
        #expect(rule.epochsWithoutImprovement(records(accuracies: [0.5, 0.5625, 0.6875])) == 0)
    }

    private func configuration() -> TrainingConfiguration {
        var configuration = SmallTask.configuration(SmallTask.optimizers[0])
        configuration.epochs = 30
        // Nothing is learned, so that the second epoch is no better than the first.
        configuration.optimizer = GradientDescent(learningRate: 0)
        configuration.schedule = .constant
        configuration.earlyStopping = EarlyStopping(patience: 3)
        return configuration
    }

    @Test("A run ends when its patience does, and has nothing left to train")
    func ends() throws {
        let trainer = try SmallTask.trainer(SmallTask.data(), configuration())
        #expect(try trainer.fit() == .stoppedEarly)
        #expect(trainer.history.count == 4)
        #expect(trainer.isComplete && trainer.hasStoppedEarly)
        #expect(try trainer.fit() == .stoppedEarly)
        #expect(trainer.history.count == 4)
    }

    @Test("A run whose patience ends with its last epoch is completed")
    func endsAtTheEnd() throws {
        var configuration = configuration()
        configuration.epochs = 4
        let trainer = try SmallTask.trainer(SmallTask.data(), configuration)
        #expect(try trainer.fit() == .completed)
        #expect(trainer.history.count == 4 && trainer.isComplete && !trainer.hasStoppedEarly)
    }

    @Test("A run that gets better to its last epoch is completed")
    func completes() throws {
        var configuration = SmallTask.configuration(SmallTask.optimizers[1])
        configuration.earlyStopping = EarlyStopping(patience: 1, measure: .loss)
        let trainer = try SmallTask.trainer(SmallTask.data(count: 400), configuration)
        #expect(try trainer.fit() == .completed)
        #expect(trainer.isComplete && !trainer.hasStoppedEarly)
    }

    @Test("A resumed run ends where one that never stopped does", arguments: [2, 6, 9, 14])
    func resumes(step: Int) throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        let data = try SmallTask.data()
        let first = try SmallTask.trainer(data, configuration())
        #expect(try first.fit(onStep: { $0.step < step }) == .stopped)
        try first.save(to: file)
        let second = try SmallTask.trainer(data, configuration())
        try second.resume(from: Checkpoint(contentsOf: file))
        #expect(try second.fit() == .stoppedEarly)
        #expect(second.history.count == 4)
    }

    @Test(
        "A rule that cannot be is refused",
        arguments: [
            EarlyStopping(patience: 0), EarlyStopping(patience: 1, minimumImprovement: -1),
            EarlyStopping(patience: 1, minimumImprovement: .nan),
        ])
    func refusals(rule: EarlyStopping) throws {
        var configuration = configuration()
        configuration.earlyStopping = rule
        #expect(throws: TrainingError.self) { try SmallTask.trainer(SmallTask.data(), configuration) }
    }
}
