import ApusNN
import ApusTraining
import TestSupport
import Testing

@Suite("Gradient accumulation")
struct AccumulationTests {
    @Test(
        "Batches that add up to a step give the bits of one batch as large as all of them",
        arguments: [(8, 4), (5, 3), (16, 2), (1, 20), (100, 1)])
    func sameBits(images: Int, batches: Int) throws {
        let data = try SmallTask.data()
        var large = SmallTask.configuration(SmallTask.optimizers[0])
        large.batchSize = images * batches
        var small = large
        small.batchSize = images
        let runs = try [large, small.accumulating(batches)].map { configuration in
            let trainer = try SmallTask.trainer(data, configuration)
            try trainer.fit()
            return trainer
        }
        #expect(runs[1].configuration.batchSize == images * batches)
        #expect(runs[1].stepsPerEpoch == runs[0].stepsPerEpoch)
        #expect(runs[1].classifier.bits == runs[0].classifier.bits)
        #expect(runs[1].history.map(\.withoutTimes) == runs[0].history.map(\.withoutTimes))
    }

    @Test("Steps beyond counting are refused")
    func refusals() throws {
        let configuration = SmallTask.configuration(SmallTask.optimizers[0])
        for batches in [0, -1, .max] {
            #expect(throws: TrainingError.self) {
                try SmallTask.trainer(SmallTask.data(), configuration.accumulating(batches))
            }
        }
    }
}
