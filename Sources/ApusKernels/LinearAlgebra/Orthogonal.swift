/// Orthogonal matrices by QR factorisation.
public enum Orthogonal {
    /// Replaces a row-major matrix of `rows >= columns` by the Q of its QR factorisation, with the signs
    /// that make R's diagonal positive, so that a normal matrix gives a uniform distribution over the
    /// orthogonal ones (Mezzadri, 2007, "How to generate random matrices from the classical compact
    /// groups").
    ///
    /// - Throws: `LAPACKError` where LAPACK refuses, as for values that are not finite.
    public static func factor(_ matrix: inout [Float], rows: Int, columns: Int) throws {
        let reflectors = try LAPACK.factorQR(&matrix, rows: rows, columns: columns)
        let signs = (0..<columns).map { matrix[$0 * columns + $0] < 0 ? Float(-1) : 1 }
        try LAPACK.orthogonal(&matrix, rows: rows, columns: columns, reflectors: reflectors)
        for row in 0..<rows {
            for column in 0..<columns { matrix[row * columns + column] *= signs[column] }
        }
    }
}
