/// The rates of several rounds.
package struct MeasuredRate: Codable, Sendable, Equatable {
    /// Operations, bytes or images a second, round by round.
    package let rates: [Double]

    /// - Parameter rates: at least one, all above zero.
    package init(rates: [Double]) {
        precondition(Self.areValid(rates), "rates of \(rates)")
        self.rates = rates
    }

    /// - Throws: `DecodingError` where there are no rates, or one is not above zero.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        rates = try container.decode([Double].self, forKey: .rates)
        guard Self.areValid(rates) else {
            throw DecodingError.dataCorruptedError(
                forKey: .rates, in: container, debugDescription: "expected rates above zero, found \(rates)")
        }
    }

    private static func areValid(_ rates: [Double]) -> Bool {
        !rates.isEmpty && rates.allSatisfy { $0 > 0 && $0.isFinite }
    }

    package var median: Double {
        let sorted = rates.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    package var least: Double { rates.min() ?? 0 }
    package var greatest: Double { rates.max() ?? 0 }

    /// How far the rounds lie apart, as a share of their median.
    package var spread: Double { (greatest - least) / median }

    /// Runs `body`, which does `amount` of work, over and over: once to warm up, then in rounds.
    package static func measure(
        amount: Double, _ effort: Effort, _ body: () throws -> Void
    ) rethrows -> MeasuredRate {
        let clock = ContinuousClock()
        let once = max(try clock.measure(body) / .seconds(1), 1e-9)
        let repetitions = max(1, Int(effort.seconds / once))
        let rates = try (0..<effort.rounds(ofSeconds: once)).map { _ in
            let elapsed = try clock.measure { for _ in 0..<repetitions { try body() } }
            return amount * Double(repetitions) / (elapsed / .seconds(1))
        }
        return MeasuredRate(rates: rates)
    }
}

/// How much time a measurement may take.
package struct Effort: Sendable {
    private let rounds: Int
    /// About how long a round takes.
    package let seconds: Double

    package init(rounds: Int, seconds: Double) {
        self.rounds = rounds
        self.seconds = seconds
    }

    /// Rounds of something that takes `once` seconds: three will do where that is longer than a round.
    package func rounds(ofSeconds once: Double) -> Int { once > seconds ? min(rounds, 3) : rounds }
}
