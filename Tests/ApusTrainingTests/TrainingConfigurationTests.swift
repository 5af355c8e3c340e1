import ApusTraining
import Testing

@Suite("TrainingConfiguration")
struct TrainingConfigurationTests {
    @Test("The recipe of SqueezeNet is the paper's")
    func squeezeNet() throws {
        let recipe = TrainingConfiguration.squeezeNet(epochs: 60)
        #expect(recipe.epochs == 60 && recipe.batchSize == 512)
        let sgd = try #require(recipe.optimizer as? SGD)
        #expect(sgd.learningRate == 0.04 && sgd.momentum == 0.9 && sgd.weightDecay == 2e-4)
        #expect(!sgd.isNesterov)
        let rates = [0, 50, 100].map {
            recipe.schedule.rate(at: $0, of: 101, base: sgd.learningRate, stepsPerEpoch: 10)
        }
        // A straight line of 101 steps, of which the last is one before zero.
        for (rate, step) in zip(rates, [0.0, 50, 100]) {
            #expect(abs(rate - 0.04 * (1 - step / 101)) < 1e-15)
        }
    }

    @Test("The recipe of LeNet-5 is the defaults")
    func leNet5() throws {
        let (recipe, defaults) = (TrainingConfiguration.leNet5(), TrainingConfiguration())
        #expect(recipe.epochs == defaults.epochs && recipe.batchSize == defaults.batchSize)
        #expect(recipe.schedule == defaults.schedule)
        let (one, other) = (
            try #require(recipe.optimizer as? SGD), try #require(defaults.optimizer as? SGD)
        )
        #expect(one.learningRate == other.learningRate && one.momentum == other.momentum)
        #expect(one.weightDecay == other.weightDecay)
    }
}
