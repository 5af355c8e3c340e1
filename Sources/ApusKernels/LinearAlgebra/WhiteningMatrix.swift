/// The matrix that makes samples of a covariance C uncorrelated, each direction's variance v becoming v / (v + epsilon).
///
/// With the eigenvalues v and eigenvectors U of C (Kessy, Lewin and Strimmer, 2018, "Optimal whitening and
/// decorrelation"):
/// - PCA: `diag(1 / sqrt(v + epsilon)) Uᵀ`, whose results are the components, that of the greatest variance first;
/// - ZCA: `U diag(1 / sqrt(v + epsilon)) Uᵀ`, which is symmetric, and whose results stay as near to the samples as
///   uncorrelated numbers can (Bell and Sejnowski, 1997, "The 'independent components' of natural scenes are edge
///   filters").
public enum WhiteningMatrix {
    /// `[order, order]`, one row for each result.
    ///
    /// - Parameters:
    ///   - components: of C.
    ///   - epsilon: above 0 where a direction has no variance.
    public static func pca(_ components: PrincipalComponents, epsilon: Double) -> [Double] {
        zip(components.directions, components.variances).flatMap { direction, variance in
            let scale = 1 / (variance + epsilon).squareRoot()
            return direction.map { $0 * scale }
        }
    }

    /// `[order, order]`, symmetric to the last bit.
    ///
    /// - Parameters:
    ///   - components: of C.
    ///   - epsilon: above 0 where a direction has no variance.
    ///   - workers: the bits do not depend on their number.
    /// - Throws: `AllocationError` where memory runs out.
    public static func zca(
        _ components: PrincipalComponents, epsilon: Double, workers: Workers
    ) throws -> [Double] {
        let order = components.variances.count
        // The sum of a aᵀ, where a is a direction scaled by half of the exponent.
        let rows = try DoubleBuffer(count: order * order)
        for (row, direction) in components.directions.enumerated() {
            let scale = 1 / (components.variances[row] + epsilon).squareRoot().squareRoot()
            for column in 0..<order { unsafe rows.base[row * order + column] = direction[column] * scale }
        }
        let products = try GramMatrix(order: order)
        products.add(rows, count: order, workers: workers)
        return products.array
    }
}
