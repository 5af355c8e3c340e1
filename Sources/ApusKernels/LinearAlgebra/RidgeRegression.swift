/// Linear least squares with a penalty on the weights (Hoerl and Kennard, 1970, "Ridge regression: biased estimation
/// for nonorthogonal problems").
///
/// The weights W and intercepts b that make `Σ |y - W x - b|² + penalty |W|²` least, b being free: with x and y taken
/// from their means, `W = (XᵀX + penalty I)⁻¹ XᵀY`, solved by Cholesky factorisation.
public struct RidgeRegression: Sendable {
    public let penalty: Double
    /// `[targets, features]`.
    public let weights: [Double]
    /// `[targets]`.
    public let intercepts: [Double]
    /// An estimate of the condition of `XᵀX + penalty I`.
    public let condition: Double

    private let features: Int

    /// - Parameters:
    ///   - samples: of features and, after these, `targets` numbers to be predicted.
    ///   - penalty: at least 0.
    /// - Throws: `CholeskyError` where `XᵀX + penalty I` is singular, as for features that are constant, copies or
    ///   sums of others, or more than the samples, if the penalty is 0; `LAPACKError` where numbers are not finite.
    public init(_ samples: Covariance, targets: Int, penalty: Double) throws {
        let (all, features) = (samples.features, samples.features - targets)
        precondition(targets > 0 && features > 0 && penalty >= 0)
        var matrix = [Double](repeating: 0, count: features * features)
        var sides = [Double](repeating: 0, count: features * targets)
        for row in 0..<features {
            for column in 0..<features {
                matrix[row * features + column] = samples.scatter[row * all + column]
            }
            matrix[row * features + row] += penalty
            for target in 0..<targets {
                sides[row * targets + target] = samples.scatter[row * all + features + target]
            }
        }
        let factor = try Cholesky(matrix, order: features)
        let solution = try factor.solve(sides, columns: targets)
        let weights = (0..<targets).flatMap { target in
            (0..<features).map { solution[$0 * targets + target] }
        }
        self.penalty = penalty
        self.features = features
        self.weights = weights
        intercepts = (0..<targets).map { target in
            (0..<features).reduce(samples.mean[features + target]) { sum, feature in
                sum - weights[target * features + feature] * samples.mean[feature]
            }
        }
        condition = factor.condition
    }

    /// The mean of `|y - W x - b|²` over samples, those of the fit or others.
    public func meanSquaredError(over samples: Covariance) -> Double {
        let (all, targets) = (samples.features, intercepts.count)
        precondition(all == features + targets && samples.count > 0)
        return (0..<targets).reduce(0) { sum, target in
            // y - W x as a vector times the sample.
            let factors =
                weights[target * features..<(target + 1) * features].map { -$0 }
                + (0..<targets).map { $0 == target ? 1 : 0 }
            var (mean, square) = (-intercepts[target], 0.0)
            for row in 0..<all where factors[row] != 0 {
                mean += factors[row] * samples.mean[row]
                var product = 0.0
                for column in 0..<all { product += factors[column] * samples.scatter[row * all + column] }
                square += factors[row] * product
            }
            return sum + max(0, square / Double(samples.count)) + mean * mean
        }
    }
}
