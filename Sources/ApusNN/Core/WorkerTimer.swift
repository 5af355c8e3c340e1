/// Where the time of one worker goes.
///
/// Each moment is booked to one account, the innermost that runs, so that accounts add up to the time the
/// worker had work. Nothing is allocated while it runs.
final class WorkerTimer {
    /// What time is booked to.
    struct Account {
        fileprivate let index: Int

        /// Work for a lane that is none of the others.
        static let dealing = Account(index: 1)
        static let loading = Account(index: 2)
        static let loss = Account(index: 3)
        static let reduction = Account(index: 4)
        static let update = Account(index: 5)
        static let preparation = Account(index: 6)

        /// Between two jobs; nobody reads it.
        fileprivate static let idle = Account(index: 0)
        fileprivate static let firstLayer = 7

        static func forward(of layer: PlannedLayer) -> Account {
            Account(index: firstLayer + 2 * layer.identifier)
        }

        static func backward(of layer: PlannedLayer) -> Account {
            Account(index: firstLayer + 2 * layer.identifier + 1)
        }
    }

    private var times: [Duration]
    private var hasInputGradient: [Bool]
    private var current = Account.idle
    private var mark = ContinuousClock.now

    init(_ root: PlannedLayer) {
        var layers = 0
        root.forEach { _ in layers += 1 }
        hasInputGradient = [Bool](repeating: false, count: layers)
        times = [Duration](repeating: .zero, count: Account.firstLayer + 2 * layers)
    }

    /// Runs `body`; what it takes is booked to `account`, but for what is booked to others inside.
    func run(_ account: Account, _ body: () -> Void) {
        let outer = current
        turn(to: account)
        body()
        turn(to: outer)
    }

    private func turn(to account: Account) {
        let now = ContinuousClock.now
        times[current.index] += now - mark
        mark = now
        current = account
    }

    /// Remembers that backward computed the gradient with respect to the layer's input.
    func noteInputGradient(of layer: PlannedLayer) { hasInputGradient[layer.identifier] = true }

    func time(_ account: Account) -> Duration { times[account.index] }
    func hasInputGradient(of layer: PlannedLayer) -> Bool { hasInputGradient[layer.identifier] }
}
