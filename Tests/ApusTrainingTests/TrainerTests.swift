import ApusData
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Trainer")
struct TrainerTests {
    @Test("A run learns, and its history says so")
    func learns() throws {
        let data = try SmallTask.data(count: 400)
        var configuration = SmallTask.configuration(Adam(learningRate: 5e-3))
        configuration.epochs = 6
        let trainer = try SmallTask.trainer(data, configuration)
        #expect(try trainer.fit() == .completed)
        #expect(trainer.history.map(\.epoch) == [1, 2, 3, 4, 5, 6])
        let (first, last) = (trainer.history[0], trainer.history[5])
        #expect(last.trainLoss < 0.7 * first.trainLoss)
        let accuracy = try #require(last.testAccuracy)
        #expect(accuracy > 0.6, "chance is 0.2")
        let report = try trainer.classifier.evaluate(data.test)
        #expect(report.accuracy == accuracy)
        #expect(report.loss == last.testLoss)
    }

    @Test("Any number of threads, and any rerun, gives the same bits")
    func threads() throws {
        let data = try SmallTask.data()
        let runs = try [1, 2, 3, 4, 1].map { threads in
            let trainer = try SmallTask.trainer(
                data, SmallTask.configuration(SmallTask.optimizers[0]), threads: threads)
            try trainer.fit()
            return (trainer.classifier.bits, trainer.history.map(\.withoutTimes))
        }
        for run in runs.dropFirst() {
            #expect(run.0 == runs[0].0)
            #expect(run.1 == runs[0].1)
        }
    }

    @Test("Another seed gives another run")
    func seed() throws {
        let data = try SmallTask.data()
        let runs = try ([1, 2] as [UInt64]).map { seed in
            var configuration = SmallTask.configuration(SmallTask.optimizers[0])
            configuration.seed = seed
            let trainer = try SmallTask.trainer(data, configuration)
            try trainer.fit()
            return trainer.classifier.bits
        }
        #expect(runs[0] != runs[1])
    }

    @Test(
        "A run that stops at any step, is saved and goes on, ends with the bits of one that never stopped",
        arguments: [0, 1], [1, 3, 4, 5, 8, 11, 15, 16])
    func resume(optimizer: Int, stop: Int) throws {
        let data = try SmallTask.data()
        let configuration = SmallTask.configuration(SmallTask.optimizers[optimizer])
        let whole = try SmallTask.trainer(data, configuration)
        try whole.fit()

        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            let first = try SmallTask.trainer(data, configuration, threads: 1)
            #expect(try first.fit(onStep: { $0.step < stop }) == .stopped)
            #expect(first.progress.step == stop)
            try first.save(to: file)

            let checkpoint = try Checkpoint(contentsOf: file)
            #expect(checkpoint.progress?.step == stop)
            let classifier = try checkpoint.classifier { SmallTask.layers(classes: $0) }
            let second = try Trainer(classifier, on: data, configuration, threads: 2)
            try second.resume(from: checkpoint)
            #expect(try second.fit() == .completed)
            #expect(second.classifier.bits == whole.classifier.bits)
            #expect(second.history.map(\.withoutTimes) == whole.history.map(\.withoutTimes))
        }
    }

    @Test("A run stops after an epoch where the callback says so, with that epoch in its history")
    func stopAfterEpoch() throws {
        let trainer = try SmallTask.trainer(
            try SmallTask.data(), SmallTask.configuration(SmallTask.optimizers[0]))
        #expect(try trainer.fit(onEpoch: { $0.epoch < 2 }) == .stopped)
        #expect(trainer.history.count == 2)
        #expect(trainer.progress.epoch == 2)
        #expect(trainer.progress.stepInEpoch == 0)
    }

    @Test("An epoch sees every image once, the last batch being smaller")
    func steps() throws {
        let trainer = try SmallTask.trainer(
            try SmallTask.data(), SmallTask.configuration(SmallTask.optimizers[0]))
        #expect(trainer.stepsPerEpoch == 4)
        var images: [Int] = []
        try trainer.fit(
            onStep: {
                images.append($0.images)
                return true
            }, onEpoch: { _ in false })
        #expect(images == [32, 64, 96, 100])
    }

    @Test("Steps go at the schedule's rates")
    func rates() throws {
        let configuration = SmallTask.configuration(SmallTask.optimizers[0])
        let trainer = try SmallTask.trainer(try SmallTask.data(), configuration)
        for step in 0..<16 {
            #expect(
                trainer.rate(at: step)
                    == configuration.schedule.rate(at: step, of: 16, base: 0.05, stepsPerEpoch: 4))
        }
        try trainer.fit()
        #expect(trainer.history.map(\.learningRate) == [3, 7, 11, 15].map(trainer.rate(at:)))
    }

    @Test("A run whose loss is no longer finite ends with an error that says where")
    func divergence() throws {
        let configuration = TrainingConfiguration(
            epochs: 4, batchSize: 32, optimizer: SGD(learningRate: 1e20, momentum: 0.9))
        let trainer = try SmallTask.trainer(try SmallTask.data(), configuration)
        let error = try #require(throws: TrainingError.self) { try trainer.fit() }
        guard case .diverged(_, let epoch, let step, let rate) = error else {
            Issue.record("\(error)")
            return
        }
        #expect((1...4).contains(epoch))
        #expect((1...16).contains(step))
        #expect(rate > 1e18)
        #expect("\(error)".contains("diverged"))
    }

    @Test("A run's memory has a state block for each the optimiser asks for")
    func memory() throws {
        let data = try SmallTask.data()
        let bytes = try [
            GradientDescent(learningRate: 0.1), SmallTask.optimizers[0], SmallTask.optimizers[1],
        ].map {
            try SmallTask.trainer(data, SmallTask.configuration($0)).memory
        }
        #expect(bytes.map { $0.optimizerBytes / $0.parameterBytes } == [0, 1, 2])
        #expect(bytes[2].totalBytes - bytes[0].totalBytes == 2 * bytes[0].parameterBytes)
    }

    @Test("Computed in parts, a batch gives the same bits and takes less memory", arguments: [1, 9, 16])
    func microBatch(images: Int) throws {
        let data = try SmallTask.data()
        let runs = try [nil, images].map { microBatch in
            var configuration = SmallTask.configuration(SmallTask.optimizers[1])
            configuration.microBatch = microBatch
            let trainer = try SmallTask.trainer(data, configuration)
            try trainer.fit()
            return trainer
        }
        #expect(runs[1].classifier.bits == runs[0].classifier.bits)
        #expect(runs[1].history.map(\.withoutTimes) == runs[0].history.map(\.withoutTimes))
        #expect(runs[1].memory.totalBytes < runs[0].memory.totalBytes)
    }

    @Test("Settings that make no run are refused")
    func refusals() throws {
        let data = try SmallTask.data()
        func refuse<Failure: Error>(
            _ type: Failure.Type, _ change: (inout TrainingConfiguration) -> Void,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            var configuration = SmallTask.configuration(SmallTask.optimizers[0])
            change(&configuration)
            #expect(throws: type, sourceLocation: sourceLocation) {
                try SmallTask.trainer(data, configuration)
            }
        }
        refuse(TrainingError.self) { $0.epochs = 0 }
        refuse(TrainingError.self) { $0.batchSize = 0 }
        refuse(TrainingError.self) { $0.microBatch = 0 }
        refuse(TrainingError.self) { $0.clipNorm = 0 }
        refuse(TrainingError.self) { $0.clipNorm = .infinity }
        refuse(OptimizerError.self) { $0.optimizer = SGD(learningRate: -1) }
        refuse(PlanningError.self) { $0.loss = SoftmaxCrossEntropy(labelSmoothing: 2) }
        let other = try SmallTask.data(classes: 6)
        #expect(throws: ClassifierError.self) {
            try Trainer(
                try SmallTask.classifier(data), on: other, SmallTask.configuration(SmallTask.optimizers[0]))
        }
    }

    @Test("A run goes on only with the optimiser and the data it was begun with")
    func otherRun() throws {
        let data = try SmallTask.data()
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            let trainer = try SmallTask.trainer(data, SmallTask.configuration(SmallTask.optimizers[0]))
            try trainer.fit(onStep: { $0.step < 6 })
            try trainer.save(to: file)
            let checkpoint = try Checkpoint(contentsOf: file)

            let adam = try SmallTask.trainer(data, SmallTask.configuration(SmallTask.optimizers[1]))
            #expect(throws: TrainingError.self) { try adam.resume(from: checkpoint) }
            let more = try SmallTask.data(count: 130)
            let larger = try SmallTask.trainer(more, SmallTask.configuration(SmallTask.optimizers[0]))
            #expect(throws: TrainingError.self) { try larger.resume(from: checkpoint) }
            var otherBatches = SmallTask.configuration(SmallTask.optimizers[0])
            otherBatches.batchSize = 33
            let rebatched = try SmallTask.trainer(data, otherBatches)
            #expect(throws: TrainingError.self) { try rebatched.resume(from: checkpoint) }
        }
    }
}
