import ApusKernels

/// The gradient of a parameter whose equal weights stay equal: each weight has the sum of what its equals have.
///
/// Which are equal is seen at the first step. Sums are in the order of the weights, whichever thread adds them.
final class SharedGradient: @unchecked Sendable {
    /// Where the parameter lies among those that are trained.
    let range: Range<Int>
    /// The squared length of the sums, each counted once.
    var squares: Double { sums.reduce(0) { $0 + $1 * $1 } }
    private var shares: [Int32] = []
    private var sums: [Double] = []

    init(_ range: Range<Int>) { self.range = range }

    func forget() { shares = [] }

    /// Adds up gradients by the weights they are of.
    func add(_ gradients: FloatView, _ parameters: FloatView) {
        if shares.isEmpty { findShares(parameters.slice(range)) }
        Updates.addGradients(gradients.slice(range), of: shares, sums: &sums)
    }

    private func findShares(_ parameters: FloatView) {
        var indices: [UInt32: Int32] = [:]
        shares = parameters.array.map { weight in
            // Zeros are equal, whatever their sign.
            let pattern = weight == 0 ? 0 : weight.bitPattern
            let index = indices[pattern, default: Int32(indices.count)]
            indices[pattern] = index
            return index
        }
        sums = [Double](repeating: 0, count: indices.count)
    }
}
