import ApusAnalysis
import Testing

@Suite struct ColorMapTests {
    @Test func aMapPassesThroughItsColours() {
        let map = ColorMap([.black, .white, .black])
        #expect(map.color(0) == .black && map.color(0.5) == .white && map.color(1) == .black)
        #expect(map.color(0.25) == .grey(128))
    }

    @Test func whatIsNotFromZeroToOneHasTheColourOfAnEnd() {
        #expect(ColorMap.heat.color(-3) == ColorMap.heat.color(0))
        #expect(ColorMap.heat.color(7) == ColorMap.heat.color(1))
        #expect(ColorMap.heat.color(.infinity) == ColorMap.heat.color(1))
        #expect(ColorMap.heat.color(.nan) == ColorMap.heat.color(0))
        #expect(ColorMap([.white]).color(0.3) == .white)
    }

    @Test func heatIsBrighterTheMoreThereIs() {
        let brightness = (0...50).map { step in
            let color = ColorMap.heat.color(Double(step) / 50)
            return 299 * Int(color.red) + 587 * Int(color.green) + 114 * Int(color.blue)
        }
        #expect(zip(brightness, brightness.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test(arguments: [1, 3, 10, 11, 60]) func noTwoClassesHaveOneColour(count: Int) {
        #expect(Set((0..<count).map { Color.ofClass($0, of: count) }).count == count)
    }
}
