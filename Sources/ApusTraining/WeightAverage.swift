import ApusKernels
import ApusNN

/// An exponential moving average of the weights that training moves, in a classifier of its own.
///
/// After step t, from 1 on, `a = d a + (1 - d) w` with `d = min(decay, (1 + t) / (10 + t))`: at first the average
/// reaches back over few steps, so that the random weights of the start are soon forgotten. It begins with these.
final class WeightAverage: Sendable {
    let decay: Double
    /// Its trained parameters are the average.
    let classifier: Classifier

    init(of classifier: Classifier, decay: Double) throws {
        self.decay = decay
        self.classifier = try classifier.snapshot()
    }

    /// Begins anew with the parameters of `network`.
    func begin(with network: Network) {
        classifier.network.parameterBlock.copy(from: network.parameterBlock)
    }

    /// Takes in what step `step` has made of a run of the trained parameters of `network`.
    func follow(_ network: Network, step: Int, range: Range<Int>) {
        let decay = min(decay, Double(1 + step) / Double(10 + step))
        Updates.average(
            classifier.network.parameterBlock.slice(range), parameters: network.parameterBlock.slice(range),
            share: Float(1 - decay))
    }
}
