import TestSupport
import Testing

@Suite("The helpers of the tests find what they are for")
struct TestSupportTests {
    @Test("A difference, NaN and another length are reported")
    func reported() {
        #expect(inequality([1, 2, 3] as [Float], [1, 2, 4]) != nil)
        #expect(inequality([1, .nan] as [Float], [1, .nan]) != nil)
        #expect(inequality([1, 2] as [Float], [1, 2, 3]) != nil)
        #expect(distance([1, .nan] as [Float], [1, 2], absolute: 10) != nil)
        #expect(distance([1, 2] as [Float], [1, 2.5], absolute: 0.1, relative: 0.1) != nil)
        #expect(normDistance([3, 4] as [Float], [3, 5], tolerance: 0.1) != nil)
        expectEqual([0, 1] as [Float], [-0.0, 1])
        expectClose([1, 2] as [Float], [1, 2.5], absolute: 0.1, relative: 0.2)
        expectNormClose([3, 4] as [Float], [3, 5], tolerance: 0.18)
    }

    @Test("The formula of the fixtures gives the values that generate.py gives")
    func formula() throws {
        let fixture = try SafetensorsFixture(named: "optimizers")
        #expect(try fixture.tensor("initial").floats == FormulaWeights.values(tensor: 1, count: 7, bound: 1))
        #expect(SplitMix64.hash(1_234_567) == 6_457_827_717_110_365_317)
    }
}
