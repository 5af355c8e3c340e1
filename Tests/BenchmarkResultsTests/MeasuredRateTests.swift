import BenchmarkResults
import Foundation
import Testing

@Suite("Measured rates")
struct MeasuredRateTests {
    @Test("The median of an even number of rounds lies between the middle two")
    func median() {
        #expect(MeasuredRate(rates: [5]).median == 5)
        #expect(MeasuredRate(rates: [9, 1, 5]).median == 5)
        #expect(MeasuredRate(rates: [9, 1, 5, 7]).median == 6)
    }

    @Test("The spread is the greatest less the least rate, as a share of the median")
    func spread() {
        #expect(MeasuredRate(rates: [5]).spread == 0)
        #expect(MeasuredRate(rates: [8, 10, 12]).spread == 0.4)
    }

    @Test("A measured rate survives JSON")
    func json() throws {
        let measurement = MeasuredRate(rates: [1.5, 2.25])
        let data = try JSONEncoder().encode(measurement)
        #expect(try JSONDecoder().decode(MeasuredRate.self, from: data) == measurement)
    }

    @Test(
        "A file without rates, or with rates that are none, is refused",
        arguments: ["[]", "[0]", "[1, -1]", "null"])
    func invalid(rates: String) {
        let data = Data("{\"rates\": \(rates)}".utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(MeasuredRate.self, from: data) }
    }

    @Test("What is measured runs once to warm up, and then as many rounds as were asked for")
    func rounds() {
        var runs = 0
        let measurement = MeasuredRate.measure(amount: 1, Effort(rounds: 4, seconds: 0)) { runs += 1 }
        // A round of no time is one run, and what takes longer has three rounds at most.
        #expect(measurement.rates.count == 3)
        #expect(runs == 1 + 3)
        #expect(Effort(rounds: 4, seconds: 1).rounds(ofSeconds: 0.5) == 4)
        #expect(Effort(rounds: 2, seconds: 1).rounds(ofSeconds: 5) == 2)
    }
}
