import ApusTraining
import Foundation
import Testing

@Suite("Charts")
struct ReportingChartTests {
    @Test(
        "An axis has round numbers, and holds all values",
        arguments: [
            ([0.21, 0.87], false, Double.infinity, [0.2, 0.4, 0.6, 0.8, 1]),
            ([0.91, 0.934, 0.999], false, 1, [0.9, 0.92, 0.94, 0.96, 0.98, 1]),
            ([2e-07, 0.05], true, .infinity, [0, 0.01, 0.02, 0.03, 0.04, 0.05]),
            ([73_000], true, .infinity, [0, 20_000, 40_000, 60_000, 80_000]),
            ([2], false, .infinity, [1, 1.5, 2, 2.5, 3]),
            ([0], false, .infinity, [-1, -0.5, 0, 0.5, 1]),
            ([1], false, 1, [0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        ] as [([Double], Bool, Double, [Double])])
    func axis(values: [Double], beginsAtZero: Bool, limit: Double, ticks: [Double]) {
        let axis = Axis(holding: values, beginsAtZero: beginsAtZero, limit: limit)
        #expect(axis.ticks.count == ticks.count)
        #expect(zip(axis.ticks, ticks).allSatisfy { abs($0 - $1) <= 1e-12 * abs($1) }, "\(axis.ticks)")
        #expect(values.allSatisfy { (-1e-9...1 + 1e-9).contains(axis.share($0)) })
    }

    @Test(
        "Ticks are written with the decimals that tell them apart, and in few characters",
        arguments: [
            ([0.21, 0.87], ["0.2", "0.4", "0.6", "0.8", "1.0"]),
            ([0, 3e-07], ["0", "1e-07", "2e-07", "3e-07"]),
            ([0, 73_000], ["0", "20.0k", "40.0k", "60.0k", "80.0k"]),
        ] as [([Double], [String])])
    func labels(values: [Double], labels: [String]) {
        let axis = Axis(holding: values)
        #expect(axis.ticks.map(axis.label) == labels)
    }

    @Test("Epochs are named at multiples of a round number, few enough to be read")
    func epochTicks() {
        #expect(Axis.epochTicks(upTo: 1) == [1])
        #expect(Axis.epochTicks(upTo: 10) == Array(1...10))
        #expect(Axis.epochTicks(upTo: 30) == [5, 10, 15, 20, 25, 30])
        #expect(Axis.epochTicks(upTo: 100) == [20, 40, 60, 80, 100])
        #expect((1...3000).allSatisfy { Axis.epochTicks(upTo: $0).count <= 10 })
    }

    private func chart(_ values: [Double]) -> CurveChart {
        let points = values.enumerated().map { (epoch: $0 + 1, value: $1) }
        return CurveChart(
            "Loss", [.init(name: "test", style: "test", points: points)], epochs: values.count,
            format: { $0.decimals(2) })
    }

    @Test("Points lie where their epochs and values are, between the first and the last")
    func coordinates() {
        var page = Markup()
        // The axis goes from 0 to 1, over 182 units of height below 24, and 456 of width from 50 on.
        chart([1, 0.5, 0]).add(to: &page)
        #expect(page.text.contains(#"<polyline points="50,24 278,115 506,206">"#))
        #expect(page.text.contains(#"<circle cx="278" cy="115" r="2.5">"#))
        #expect(page.text.contains(">epoch 2: 0.50</text>"))
    }

    @Test("A single epoch is in the middle")
    func single() {
        var page = Markup()
        chart([2]).add(to: &page)
        #expect(page.text.contains(#"<circle cx="278" cy="115" r="2.5">"#))
    }

    @Test("Of thousands of epochs the curve is whole, and the answers to the pointer are few")
    func many() {
        var page = Markup()
        chart((0..<3000).map { 1 / Double($0 + 1) }).add(to: &page)
        #expect(page.text.components(separatedBy: "class=\"spot\"").count - 1 == 150)
        #expect(page.text.contains(">epoch 3000: 0.00</text>"))
        let curve = page.text.components(separatedBy: "points=\"")[1].prefix { $0 != "\"" }
        #expect(curve.split(separator: " ").count == 3000)
        #expect(page.text.components(separatedBy: "<circle").count - 1 == 150)
    }
}
