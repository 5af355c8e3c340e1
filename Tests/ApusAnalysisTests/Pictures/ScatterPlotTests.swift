import ApusAnalysis
import ApusFormats
import Testing

@Suite struct ScatterPlotTests {
    @Test func aLogarithmicScaleGivesEqualRoomToEqualFactors() {
        let scale = PlotScale(holding: [10, 100_000], isLogarithmic: true)
        let steps = [10.0, 100, 1000, 10_000, 100_000].map(scale.share)
        for (step, next) in zip(steps, steps.dropFirst()) {
            // Shares are of order 1: a few roundings of theirs.
            #expect(abs(next - step - (steps[1] - steps[0])) < 1e-12)
        }
        #expect(scale.ticks.map(\.label) == ["10", "100", "1k", "10k", "100k"])
        #expect(steps[0] > 0 && steps[4] < 1)
    }

    @Test func twoDecadesHaveTicksBetween() {
        let scale = PlotScale(holding: [0.3, 4], isLogarithmic: true)
        #expect(scale.ticks.map(\.label) == ["0.5", "1", "2", "5"])
    }

    @Test func pointsAreDrawnInTheColoursOfTheirClasses() throws {
        var plot = ScatterPlot(
            "Title", xTitle: "x", yTitle: "y",
            (0..<30).map { .init(x: Double($0), y: Double($0 * $0), classIndex: $0 % 3) })
        plot.classNames = ["a", "b", "c"]
        let image = plot.image(font: try .standard())
        for index in 0..<3 {
            let color = Color.ofClass(index, of: 3)
            let count = stride(from: 0, to: image.samples.count, by: 3).count {
                image.samples[$0] == color.red && image.samples[$0 + 1] == color.green
                    && image.samples[$0 + 2] == color.blue
            }
            // Ten points and one of the legend, of radius 5; that of their inner pixels alone.
            #expect(count > 11 * 50 && count < 11 * 80)
        }
    }

    @Test func whatHasNoPlaceIsLeftOut() throws {
        var plot = ScatterPlot("", xTitle: "", yTitle: "", [.init(x: 1, y: 10), .init(x: 100, y: 20)])
        (plot.isXLogarithmic, plot.isYLogarithmic) = (true, true)
        let font = try Font.standard()
        let expected = plot.image(font: font)
        plot.points += [
            .init(x: 0, y: 5), .init(x: .nan, y: 5), .init(x: 3, y: -.infinity), .init(x: -4, y: 5),
        ]
        #expect(plot.image(font: font) == expected)
        plot.points = []
        #expect(plot.image(font: font).width == 640)
    }

    @Test func manyClassesAreNamedAsFarAsThereIsRoom() throws {
        var plot = ScatterPlot("", xTitle: "", yTitle: "", [.init(x: 1, y: 1, classIndex: 99)])
        plot.classNames = (0..<100).map { "class \($0)" }
        let font = try Font.standard()
        #expect(plot.image(font: font).height == 520)
    }
}
