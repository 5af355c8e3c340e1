/// The rates of several rounds.
struct Measurement: Codable {
    /// Operations or images a second, round by round.
    let rates: [Double]

    var median: Double {
        let sorted = rates.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    var least: Double { rates.min() ?? 0 }
    var greatest: Double { rates.max() ?? 0 }

    /// How far the rounds lie apart, as a share of their median.
    var spread: Double { (greatest - least) / median }

    /// Runs `body`, which does `amount` of work, over and over: once to warm up, then `rounds` times about
    /// `seconds`.
    static func measure(
        amount: Double, rounds: Int, seconds: Double, _ body: () -> Void
    ) -> Measurement {
        let clock = ContinuousClock()
        let once = max(clock.measure(body) / .seconds(1), 1e-9)
        let repetitions = max(1, Int(seconds / once))
        let rates = (0..<rounds).map { _ in
            let elapsed = clock.measure { for _ in 0..<repetitions { body() } }
            return amount * Double(repetitions) / (elapsed / .seconds(1))
        }
        return Measurement(rates: rates)
    }
}
