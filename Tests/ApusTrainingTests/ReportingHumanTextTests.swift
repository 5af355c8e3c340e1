import ApusTraining
import Testing

@Suite("Numbers for people")
struct ReportingHumanTextTests {
    @Test(
        "A duration has two units at most, and carries as clocks do",
        arguments: [
            (0, "0.0s"), (0.44, "0.4s"), (9.94, "9.9s"), (9.95, "10s"), (59.4, "59s"), (59.6, "1m 00s"),
            (83, "1m 23s"), (3599.6, "1h 00m"), (7500, "2h 05m"), (97_200, "1d 03h"), (-1, "?"), (.nan, "?"),
            (.infinity, "?"),
        ] as [(Double, String)])
    func duration(seconds: Double, text: String) {
        #expect(HumanText.duration(seconds: seconds) == text)
    }

    @Test(
        "A quantity has three digits",
        arguments: [
            (0, "0.00"), (7.25, "7.25"), (9.996, "10.0"), (99.96, "100"), (312, "312"), (999.6, "1.00k"),
            (84_210, "84.2k"), (1_250_000, "1.25M"), (3e18, "3000000T"), (.nan, "?"),
        ] as [(Double, String)])
    func count(value: Double, text: String) {
        #expect(HumanText.count(value) == text)
    }

    @Test("A rate names its unit")
    func rate() {
        #expect(HumanText.rate(84_210, unit: "images") == "84.2k images/s")
    }
}
