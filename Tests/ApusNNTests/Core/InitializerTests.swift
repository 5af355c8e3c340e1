import ApusKernels
import ApusNN
import Foundation
import ReferenceKernels
import Testing
import TestSupport

@Suite struct InitializerTests {
    /// Fan-in 24 x 3 x 5 = 360, fan-out 60 x 15 = 900, and 21 600 weights.
    private static let convolution = [60, 24, 3, 5]
    private let random = CounterRandom(seed: 1, purpose: .initialization)

    private func values(_ initializer: Initializer, _ shape: [Int] = convolution) throws -> [Double] {
        try initializer.values(shape: shape, random: random).map { Double($0) }
    }

    static let uniform: [(Initializer, Double)] = [
        (.uniform(bound: 0.25), 0.25), (.fanInUniform, 1 / 360.squareRoot()),
        (.kaimingUniform, (6.0 / 360).squareRoot()), (.xavierUniform, (6.0 / 1260).squareRoot()),
    ]

    /// Within ±bound, which is nearly reached; the mean square of n numbers is bound^2 / 3 within five
    /// deviations of bound^2 sqrt(4 / 45 / n).
    @Test(arguments: uniform)
    func uniformOnesFillTheirBound(initializer: Initializer, bound: Double) throws {
        let values = try values(initializer)
        let count = Double(values.count)
        let greatest = values.map { abs($0) }.max() ?? 0
        #expect(greatest <= bound * (1 + 0x1p-23) && greatest > bound * 0.999)
        #expect(abs(mean(values)) < 5 * bound / (3 * count).squareRoot())
        let square = mean(values.map { $0 * $0 })
        #expect(abs(square - bound * bound / 3) < 5 * bound * bound * (4 / 45 / count).squareRoot())
    }

    static let normal: [(Initializer, Double)] = [
        (.normal(deviation: 0.25), 1.0 / 16), (.kaimingNormal, 2.0 / 360), (.xavierNormal, 2.0 / 1260),
        (.lecunNormal, 1.0 / 360),
    ]

    /// The mean square of n normal numbers deviates from the variance by a share of sqrt(2 / n).
    @Test(arguments: normal)
    func normalOnesHaveTheirVariance(initializer: Initializer, variance: Double) throws {
        let values = try values(initializer)
        let count = Double(values.count)
        #expect(abs(mean(values)) < 5 * (variance / count).squareRoot())
        #expect(abs(mean(values.map { $0 * $0 }) / variance - 1) < 5 * (2 / count).squareRoot())
        #expect(
            abs(mean(values.map { pow($0, 4) }) / (variance * variance) - 3) < 5 * (96 / count).squareRoot())
    }

    @Test func fansOfALinearAreItsInputsAndOutputs() throws {
        let bound = try values(.xavierUniform, [300, 200]).map { abs($0) }.max() ?? 0
        #expect(abs(bound / (6.0 / 500).squareRoot() - 1) < 1e-3)
        let fanIn = try values(.fanInUniform, [300, 200]).map { abs($0) }.max() ?? 0
        #expect(abs(fanIn * 200.squareRoot() - 1) < 1e-3)
    }

    @Test func aConstantIsConstant() throws {
        #expect(try values(.constant(2.5), [2, 3]) == [2.5, 2.5, 2.5, 2.5, 2.5, 2.5])
    }

    /// Rows where they are the fewer, else columns, of length `gain` and square to each other.
    @Test(arguments: [[5, 3, 2, 2], [20, 3, 2, 2], [12, 12], [1, 7], [7, 1]])
    func orthogonalOnesAreOrthogonal(shape: [Int]) throws {
        let rows = shape[0]
        let columns = shape.dropFirst().reduce(1, *)
        let matrix = try values(.orthogonal(gain: 2), shape)
        let isWide = rows < columns
        let size = min(rows, columns)
        let gram = ReferenceGEMM.multiply(
            rows: size, columns: size, depth: max(rows, columns), matrix, transposeA: !isWide, matrix,
            transposeB: isWide)
        expectClose(
            gram, (0..<size * size).map { $0 % (size + 1) == 0 ? 4 : 0 },
            absolute: 4 * Double(rows + columns) * 8 * 0x1p-24)
    }

    private func model() -> Sequential {
        Sequential {
            Conv2D(3, 4, kernel: 3)
            Conv2D(4, 6, kernel: 2, weightInitializer: .orthogonal(gain: 1))
            Flatten()
            Linear(54, 5)
        }
    }

    private let input = Shape(height: 6, width: 6, channels: 3)

    @Test func aSeedGivesTheSameValuesInAnyLayout() throws {
        let networks = try (Layout.allCases + [.channelsFirst]).map {
            try Network(model(), input: input, seed: 7, layout: $0)
        }
        let values = networks.map { network in network.parameters.map { network.values(of: $0) } }
        #expect(values.allSatisfy { $0 == values[0] })
        let other = try Network(model(), input: input, seed: 8)
        for (index, parameter) in other.parameters.enumerated() {
            #expect(other.values(of: parameter) != values[0][index])
        }
        // Parameters of one shape draw numbers of their own.
        let twins = try Network(
            Sequential {
                Linear(9, 9)
                Linear(9, 9)
            }, input: .features(9))
        #expect(twins.values(of: twins.parameters[0]) != twins.values(of: twins.parameters[2]))
    }

    @Test func initializingAnewRestoresTheFirstValues() throws {
        let network = try Network(model(), input: input, seed: 7)
        let before = network.parameterBlock.array
        try network.randomize(seed: 1)
        #expect(network.parameterBlock.array != before)
        try network.initialize(seed: 7)
        #expect(network.parameterBlock.array == before)
    }

    /// What PyTorch gives Linear and Conv2d: ±1 / sqrt(fan-in) for weights and biases.
    @Test func layersStartAsPyTorchs() throws {
        let network = try Network(
            Conv2D(10, 400, kernel: 3, groups: 2), input: Shape(height: 3, width: 3, channels: 10))
        let bound = 1 / Float(45).squareRoot()
        for parameter in network.parameters {
            let greatest = network.values(of: parameter).map { abs($0) }.max() ?? 0
            #expect(greatest <= bound * (1 + 0x1p-23) && greatest > 0.97 * bound, "\(parameter.name)")
        }
        let linear = try Network(
            Linear(inputs: 25, outputs: 8, weightInitializer: .constant(3), biasInitializer: .constant(-1)),
            input: .features(25))
        #expect(linear.values(of: linear.parameters[0]).allSatisfy { $0 == 3 })
        #expect(linear.values(of: linear.parameters[1]).allSatisfy { $0 == -1 })
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
