/// A run of training that cannot begin or go on.
public enum TrainingError: Error, Sendable, Hashable, CustomStringConvertible {
    case configuration(String)
    case diverged(what: String, epoch: Int, step: Int, rate: Double)
    case state(String)

    public var description: String {
        switch self {
        case .configuration(let reason): reason
        case .diverged(let what, let epoch, let step, let rate):
            "training diverged: \(what) at step \(step) (epoch \(epoch), learning rate \(rate)); "
                + "a lower rate or gradient clipping may help"
        case .state(let reason): "the saved state of training \(reason)"
        }
    }
}
