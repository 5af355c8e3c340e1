import ApusKernels
import CVectorKernels
import Foundation
import TestSupport
import Testing

@Suite struct HyperbolicTangentTests {
    static let paths = [apus_isa_portable.rawValue] + VectorKernelsTests.paths

    private func tangents(_ path: UInt32, _ values: [Float], inner: Float = 1, outer: Float = 1) -> [Float] {
        let kernels = apus_kernels_for(apus_isa(rawValue: path)).pointee
        var output = [Float](repeating: .nan, count: values.count)
        kernels.tanh(1, values.count, inner, outer, values, values.count, &output, values.count)
        return output
    }

    /// Every 4099th number up to 32, of either sign. Of every 1024th the farthest off was measured, on every path: 1.22 units
    /// in the last place of the true value.
    @Test(arguments: paths)
    func itIsExactToAFewUnitsInTheLastPlace(path: UInt32) {
        let positive = stride(from: UInt32(0), to: Float(32).bitPattern, by: 4099).map(
            Float.init(bitPattern:))
        var worst = 0.0
        for (x, y) in zip(positive, tangents(path, positive)) {
            let truth = Foundation.tanh(Double(x))
            // Denormal results are flushed to zero, or are not.
            let unit = max(Double(Float(truth).ulp), 0x1p-126)
            worst = max(worst, abs(Double(y) - truth) / unit)
        }
        #expect(worst < 1.5)
        let negative = tangents(path, positive.map { -$0 })
        #expect(negative == tangents(path, positive).map { -$0 })
    }

    @Test(arguments: paths)
    func itsLimitsAreOneAndANaNStaysOne(path: UInt32) {
        let values = tangents(path, [.infinity, -.infinity, 1e30, -1e4, 0, -0.0, .nan])
        #expect(Array(values[..<4]) == [1, -1, 1, -1])
        #expect(values[4].bitPattern == 0 && values[5].bitPattern == (-0.0 as Float).bitPattern)
        #expect(values[6].isNaN)
    }

    /// With u = 2^-24, a value carries two roundings of scaling and 1.5 units in the last place, at most 2u each, of the
    /// tangent: 5u. A slope's square carries twice that, times 1.125 at most, and five roundings of about 1.
    @Test(arguments: Layout.allCases, Target.allCases)
    func valuesAndSlopesAreScaled(layout: Layout, target: Target) {
        let function = HyperbolicTangent(inner: 0.75, outer: 1.5)
        let rows = (0..<5).map { uniformFloats(count: 37, seed: $0).map { 4 * $0 } }
        let upstream = (5..<10).map { uniformFloats(count: 37, seed: $0) }
        let truth = rows.joined().map { 1.5 * Foundation.tanh(0.75 * Double($0)) }
        withMemory { memory in
            let output = memory.tensor(batch: 5, .features(37), layout, margin: 1)
            function.forward(memory.vectors(rows, layout), into: output)
            expectClose(
                output.channelsFirstArray.map(Double.init), truth, absolute: 0, relative: 5 * 0x1p-24)
            let gradient = memory.vectors(upstream, layout, margin: 2)
            function.backward(
                memory.vectors(upstream, layout), output: output, inputGradient: target.destination(gradient))
            let slopes = zip(truth, upstream.joined()).map { y, dy in
                Double(dy) * 0.75 * (1.5 - y * y / 1.5) + (target == .add ? Double(dy) : 0)
            }
            expectClose(gradient.channelsFirstArray.map(Double.init), slopes, absolute: 17 * 0x1p-24)
        }
    }
}
