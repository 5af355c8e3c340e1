/// The directions in which samples of several numbers vary, independently of each other, and how much.
public struct PrincipalComponents: Sendable, Hashable {
    /// The variance along each direction, the greatest first.
    public let variances: [Double]
    /// The directions, of length 1. The greatest number of each is positive.
    public let directions: [[Double]]

    /// The eigenvalues and eigenvectors of a covariance.
    ///
    /// - Parameter covariance: a symmetric matrix, in rows.
    /// - Throws: `LAPACKError` where LAPACK refuses, as for values that are not finite.
    public init(covariance: [[Double]]) throws {
        try self.init(covariance: covariance.flatMap(\.self), order: covariance.count)
    }

    /// The eigenvalues and eigenvectors of a covariance, `[order, order]`.
    ///
    /// - Throws: `LAPACKError` where LAPACK refuses, as for values that are not finite.
    public init(covariance: [Double], order: Int) throws {
        var matrix = covariance
        let values = try LAPACK.eigenvectors(&matrix, order: order)
        variances = values.reversed().map { max($0, 0) }
        directions = (0..<order).reversed().map { column in
            let direction = (0..<order).map { matrix[$0 * order + column] }
            // A direction's sign means nothing: LAPACK's is its own affair.
            let greatest = direction.max { abs($0) < abs($1) } ?? 0
            return direction.map { greatest < 0 ? -$0 : $0 }
        }
    }

    /// Directions without variance: whose own is zero but for the rounding of the matrix and its eigenvalues.
    public var rankDeficiency: Int {
        let least = (variances.first ?? 0) * Double(variances.count) * Double.ulpOfOne
        return variances.count { $0 <= least }
    }
}
