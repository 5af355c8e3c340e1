import CLAPACKE

/// Orthogonal matrices by QR factorisation.
public enum Orthogonal {
    /// What LAPACK answered when it could not factorise.
    public struct FactorizationError: Error, Sendable, CustomStringConvertible {
        public let routine: String
        public let code: Int
        public var description: String { "LAPACK's \(routine) failed with code \(code)" }
    }

    /// Replaces a row-major matrix of `rows >= columns` by the Q of its QR factorisation, with the signs
    /// that make R's diagonal positive, so that a normal matrix gives a uniform distribution over the
    /// orthogonal ones (Mezzadri, 2007, "How to generate random matrices from the classical compact
    /// groups").
    ///
    /// - Throws: `FactorizationError` where LAPACK refuses, as for values that are not finite.
    public static func factor(_ matrix: inout [Float], rows: Int, columns: Int) throws {
        precondition(rows >= columns && columns > 0 && matrix.count == rows * columns)
        // LAPACK multiplies by the same library: on several threads it would add in another order.
        OpenBLAS.pinToOneThread
        let (m, n) = (CInt(rows), CInt(columns))
        var reflectors = [Float](repeating: 0, count: columns)
        var status = unsafe LAPACKE_sgeqrf(LAPACK_ROW_MAJOR, m, n, &matrix, n, &reflectors)
        guard status == 0 else { throw FactorizationError(routine: "sgeqrf", code: Int(status)) }
        let signs = (0..<columns).map { matrix[$0 * columns + $0] < 0 ? Float(-1) : 1 }
        status = unsafe LAPACKE_sorgqr(LAPACK_ROW_MAJOR, m, n, n, &matrix, n, reflectors)
        guard status == 0 else { throw FactorizationError(routine: "sorgqr", code: Int(status)) }
        for row in 0..<rows {
            for column in 0..<columns { matrix[row * columns + column] *= signs[column] }
        }
    }
}
