import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

/// Ten steps against the same method in double precision.
@Suite struct UpdatesTests {
    private static let count = 37
    private static let steps = 10

    private func gradients(_ step: Int) -> [Float] {
        uniformFloats(count: Self.count, seed: UInt64(100 + step))
    }

    struct Descent: Sendable {
        var momentum: Float = 0
        var isNesterov = false
        var weightDecay: Float = 0
        var scale: Float = 1
    }

    /// Velocities stay below 1 / (1 - momentum) = 10 and parameters below 12, each step rounds at most 8
    /// times, and momentum carries each rounding on up to tenfold: 10 steps of 8 x 12 x 10 x 2^-24 x rate.
    @Test(arguments: [
        Descent(), Descent(weightDecay: 0.1), Descent(momentum: 0.9),
        Descent(momentum: 0.9, weightDecay: 0.1),
        Descent(momentum: 0.9, isNesterov: true),
        Descent(momentum: 0.9, isNesterov: true, weightDecay: 0.1, scale: 0.5),
    ])
    func descentEqualsTheReference(descent: Descent) {
        let start = uniformFloats(count: Self.count, seed: 1)
        var expected = start.map { Double($0) }
        var reference = ReferenceSGD(
            learningRate: Double(Float(0.1)), momentum: Double(descent.momentum),
            weightDecay: Double(descent.weightDecay), nesterov: descent.isNesterov)
        withMemory { memory in
            let parameters = memory.view(start)
            let velocity = memory.view([Float](repeating: 0, count: Self.count))
            for step in 0..<Self.steps {
                Updates.sgd(
                    parameters: parameters, gradients: memory.view(gradients(step)),
                    velocity: descent.momentum > 0 ? velocity : nil, rate: 0.1,
                    momentum: descent.momentum, isNesterov: descent.isNesterov,
                    weightDecay: descent.weightDecay, gradientScale: descent.scale)
                reference.step(
                    &expected, gradients: gradients(step).map { Double($0) * Double(descent.scale) })
            }
            let tolerance = 10 * 8 * 12 * 10 * 0x1p-24 * 0.1
            expectClose(parameters.array.map { Double($0) }, expected, absolute: tolerance)
            #expect(worstDifference(start.map { Double($0) }, expected)?.error ?? 0 > 0.1)
        }
    }

    /// A step moves a parameter by about the rate, 0.01, with about 20 roundings, one of them of a
    /// parameter of magnitude 1: at most 2^-24 (1 + 20 x 0.01 x amplification), 10 times. Where gradients of
    /// both signs have cancelled, the first moment's rounding counts up to tenfold.
    @Test(arguments: [false, true], [0, 0.1] as [Float])
    func adamEqualsTheReference(isDecoupled: Bool, weightDecay: Float) {
        let start = uniformFloats(count: Self.count, seed: 2)
        var expected = start.map { Double($0) }
        var reference = ReferenceAdam(
            learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: Double(Float(1e-8)),
            weightDecay: Double(weightDecay), decay: isDecoupled ? .decoupled : .gradient)
        withMemory { memory in
            let parameters = memory.view(start)
            let first = memory.view([Float](repeating: 0, count: Self.count))
            let second = memory.view([Float](repeating: 0, count: Self.count))
            for step in 0..<Self.steps {
                Updates.adam(
                    parameters: parameters, gradients: memory.view(gradients(step)), firstMoment: first,
                    secondMoment: second, step: step + 1, rate: 0.01, beta1: 0.9, beta2: 0.999,
                    epsilon: 1e-8, weightDecay: weightDecay, isDecoupled: isDecoupled, gradientScale: 0.5)
                reference.step(&expected, gradients: gradients(step).map { Double($0) * 0.5 })
            }
            expectClose(
                parameters.array.map { Double($0) }, expected, absolute: 10 * (1 + 20 * 0.01 * 10) * 0x1p-24)
            #expect(worstDifference(start.map { Double($0) }, expected)?.error ?? 0 > 0.01)
        }
    }

    @Test func anAverageMovesByItsShareOfTheWay() {
        withMemory { memory in
            let average = memory.view([0, 4, -2, 1])
            Updates.average(average, parameters: memory.view([1, 0, -2, 3]), share: 0.25)
            #expect(average.array == [0.25, 3, -2, 1.5])
        }
    }

    @Test func theFirstStepOfAdamIsTheRateWhateverTheGradient() {
        withMemory { memory in
            let parameters = memory.view([1, 1, 1])
            let (first, second) = (memory.view([0, 0, 0]), memory.view([0, 0, 0]))
            Updates.adam(
                parameters: parameters, gradients: memory.view([1e-3, -5, 1e3]), firstMoment: first,
                secondMoment: second, step: 1, rate: 0.25, beta1: 0.9, beta2: 0.999, epsilon: 0,
                weightDecay: 0, isDecoupled: false, gradientScale: 1)
            expectClose(parameters.array, [0.75, 1.25, 0.75], absolute: 8 * 0x1p-24)
        }
    }
}
