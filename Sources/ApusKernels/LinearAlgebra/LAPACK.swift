import CLAPACKE

/// What LAPACK answered when it could not do what it was asked.
public struct LAPACKError: Error, Sendable, Hashable, CustomStringConvertible {
    public let routine: String
    public let code: Int
    public var description: String { "LAPACK's \(routine) failed with code \(code)" }
}

/// The routines of LAPACK in use, on row-major matrices. The only file that imports `CLAPACKE`.
enum LAPACK {
    /// Factorises a matrix of `rows >= columns` into Q and R, its diagonal and what lies above it being R's.
    ///
    /// - Returns: what `orthogonal` makes Q of, with what lies below the diagonal.
    static func factorQR(_ matrix: inout [Float], rows: Int, columns: Int) throws(LAPACKError) -> [Float] {
        precondition(rows >= columns && columns > 0 && matrix.count == rows * columns)
        prepare()
        var reflectors = [Float](repeating: 0, count: columns)
        let status = unsafe LAPACKE_sgeqrf(
            LAPACK_ROW_MAJOR, CInt(rows), CInt(columns), &matrix, CInt(columns), &reflectors)
        try check("sgeqrf", status)
        return reflectors
    }

    /// Replaces what `factorQR` left by Q.
    static func orthogonal(
        _ matrix: inout [Float], rows: Int, columns: Int, reflectors: [Float]
    ) throws(LAPACKError) {
        precondition(reflectors.count == columns && matrix.count == rows * columns)
        prepare()
        let (m, n) = (CInt(rows), CInt(columns))
        let status = unsafe LAPACKE_sorgqr(LAPACK_ROW_MAJOR, m, n, n, &matrix, n, reflectors)
        try check("sorgqr", status)
    }

    /// Replaces a symmetric matrix by its eigenvectors, one a column.
    ///
    /// - Returns: the eigenvalues, the smallest first.
    static func eigenvectors(_ matrix: inout [Double], order: Int) throws(LAPACKError) -> [Double] {
        precondition(order > 0 && matrix.count == order * order)
        prepare()
        var values = [Double](repeating: 0, count: order)
        let vectorsToo = CChar(UInt8(ascii: "V"))
        let upper = CChar(UInt8(ascii: "U"))
        // Divides and conquers: in products of matrices, and in a tenth of dsyev's time where there are hundreds of rows.
        let status = unsafe LAPACKE_dsyevd(
            LAPACK_ROW_MAJOR, vectorsToo, upper, CInt(order), &matrix, CInt(order), &values)
        try check("dsyevd", status)
        return values
    }

    /// Replaces the lower triangle of a symmetric matrix by its Cholesky factor.
    ///
    /// - Returns: 0, or the order of the first leading minor that is not positive.
    static func factorCholesky(_ matrix: inout [Double], order: Int) throws(LAPACKError) -> Int {
        precondition(order > 0 && matrix.count == order * order)
        prepare()
        let status = unsafe LAPACKE_dpotrf(LAPACK_ROW_MAJOR, lower, CInt(order), &matrix, CInt(order))
        if status > 0 { return Int(status) }
        try check("dpotrf", status)
        return 0
    }

    /// An estimate of 1 over the condition, in the 1-norm, of a matrix of that `norm` that `factorCholesky` has
    /// factorised.
    static func reciprocalCondition(
        _ factor: [Double], order: Int, norm: Double
    ) throws(LAPACKError) -> Double {
        precondition(order > 0 && factor.count == order * order)
        prepare()
        var reciprocal = 0.0
        let status = unsafe LAPACKE_dpocon(
            LAPACK_ROW_MAJOR, lower, CInt(order), factor, CInt(order), norm, &reciprocal)
        try check("dpocon", status)
        return reciprocal
    }

    /// Replaces right-hand sides, `[order, columns]`, by the solutions for a matrix that `factorCholesky` has factorised.
    static func solveCholesky(
        _ factor: [Double], order: Int, _ sides: inout [Double], columns: Int
    ) throws(LAPACKError) {
        precondition(columns > 0 && factor.count == order * order && sides.count == order * columns)
        prepare()
        let (n, count) = (CInt(order), CInt(columns))
        let status = unsafe LAPACKE_dpotrs(LAPACK_ROW_MAJOR, lower, n, count, factor, n, &sides, count)
        try check("dpotrs", status)
    }

    private static let lower = CChar(UInt8(ascii: "L"))

    /// Decomposes a matrix into `left diag(values) right`, `left` of orthonormal columns and `right` of orthonormal
    /// rows, the greatest value first.
    static func singularValues(
        _ matrix: [Double], rows: Int, columns: Int
    ) throws(LAPACKError) -> (left: [Double], values: [Double], right: [Double]) {
        precondition(rows > 0 && columns > 0 && matrix.count == rows * columns)
        prepare()
        let count = min(rows, columns)
        var matrix = matrix
        var left = [Double](repeating: 0, count: rows * count)
        var right = [Double](repeating: 0, count: count * columns)
        var values = [Double](repeating: 0, count: count)
        let (m, n, k) = (CInt(rows), CInt(columns), CInt(count))
        let thin = CChar(UInt8(ascii: "S"))
        let status = unsafe LAPACKE_dgesdd(
            LAPACK_ROW_MAJOR, thin, m, n, &matrix, n, &values, &left, k, &right, n)
        try check("dgesdd", status)
        return (left, values, right)
    }

    /// LAPACK multiplies by OpenBLAS: on several threads it would add in another order.
    private static func prepare() { OpenBLAS.pinToOneThread }

    private static func check(_ routine: String, _ status: CInt) throws(LAPACKError) {
        guard status == 0 else { throw LAPACKError(routine: routine, code: Int(status)) }
    }
}
