import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite("Ridge regression") struct RidgeRegressionTests {
    private static let (samples, features, targets) = (60, 5, 2)

    /// Rows of features and targets that they nearly determine.
    private static func rows() -> [Float] {
        let inputs = uniformFloats(count: samples * features, seed: 1)
        let noise = uniformFloats(count: samples * targets, seed: 2)
        return (0..<samples).flatMap { sample in
            let x = inputs[sample * features..<(sample + 1) * features].map { $0 + 3 }
            let y = (0..<targets).map { target in
                x.enumerated().reduce(0.5 + 0.1 * noise[sample * targets + target]) {
                    $0 + Float($1.offset - target) * $1.element
                }
            }
            return x + y
        }
    }

    private static func covariance(_ rows: [Float], columns: Int) throws -> Covariance {
        let sums = try CovarianceSums(features: columns)
        withMemory { memory in
            sums.add(
                memory.view(rows).matrix(rows: rows.count / columns, columns: columns),
                workers: Workers(count: 1))
        }
        return sums.covariance
    }

    @Test(
        "Weights and intercepts solve the normal equations, the intercept having no penalty",
        arguments: [0, 0.5, 100])
    func normalEquations(penalty: Double) throws {
        let columns = Self.features + Self.targets
        let rows = Self.rows()
        let found = try RidgeRegression(
            Self.covariance(rows, columns: columns), targets: Self.targets, penalty: penalty)

        // With a column of ones for the intercept, nothing is taken from its mean.
        let order = Self.features + 1
        let inputs = (0..<Self.samples).flatMap { sample -> [Double] in
            (0..<Self.features).map { Double(rows[sample * columns + $0]) } + [1]
        }
        let outputs = (0..<Self.samples).flatMap { sample in
            (0..<Self.targets).map { Double(rows[sample * columns + Self.features + $0]) }
        }
        var matrix = ReferenceGEMM.multiply(
            rows: order, columns: order, depth: Self.samples, inputs, transposeA: true, inputs)
        for feature in 0..<Self.features { matrix[feature * (order + 1)] += penalty }
        let sides = ReferenceGEMM.multiply(
            rows: order, columns: Self.targets, depth: Self.samples, inputs, transposeA: true, outputs)
        let expected = ReferenceLinearSolve.solve(matrix, order: order, sides, columns: Self.targets)
        func column(_ target: Int) -> [Double] {
            (0..<Self.features).map { expected[$0 * Self.targets + target] }
        }
        // The reference's matrix, not centred, has a condition of some 10^4, of 2^-52 each.
        expectClose(found.weights, column(0) + column(1), absolute: 1e-10)
        expectClose(found.intercepts, Array(expected.suffix(Self.targets)), absolute: 1e-10)
        #expect(found.condition >= 1 && found.condition < 100)
    }

    @Test("The error over samples is that of the predictions for each of them")
    func error() throws {
        let columns = Self.features + Self.targets
        let rows = Self.rows()
        let half = rows.count / 2
        let fit = try RidgeRegression(
            Self.covariance(Array(rows[..<half]), columns: columns), targets: Self.targets, penalty: 1)
        let others = Array(rows[half...])
        let count = others.count / columns
        let expected =
            (0..<count).reduce(0.0) { sum, sample in
                (0..<Self.targets).reduce(sum) { sum, target in
                    let prediction = (0..<Self.features).reduce(fit.intercepts[target]) {
                        $0 + fit.weights[target * Self.features + $1] * Double(others[sample * columns + $1])
                    }
                    let error = Double(others[sample * columns + Self.features + target]) - prediction
                    return sum + error * error
                }
            } / Double(count)
        let found = try fit.meanSquaredError(over: Self.covariance(others, columns: columns))
        // Squares of sums of numbers up to 100 that cancel to errors near 0.1.
        #expect(abs(found - expected) < 1e-10 && expected > 1e-4)
    }

    @Test("Features that say the same need a penalty; with one they share the weight")
    func duplicates() throws {
        let rows = integers(count: 40, seed: 5).flatMap { [$0, $0, 2 * $0] }
        let covariance = try Self.covariance(rows, columns: 3)
        #expect(throws: CholeskyError.self) { try RidgeRegression(covariance, targets: 1, penalty: 0) }
        let fit = try RidgeRegression(covariance, targets: 1, penalty: 1e-6)
        expectClose(fit.weights, [1, 1], absolute: 1e-6)
        #expect(fit.condition > 1e6)
    }
}
