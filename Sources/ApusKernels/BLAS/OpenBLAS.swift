import COpenBLAS

/// Sets `result` to `alpha * a * b + beta * result`, in single precision on the calling thread.
///
/// With `beta` 0 the old content of `result` is not read. `a` and `b` may be transposed views; `result` may
/// not, and must overlap neither.
public func multiply(
    _ a: MatrixView, _ b: MatrixView, into result: MatrixView, alpha: Float = 1, beta: Float = 0
) {
    let (rows, columns, depth) = (result.rows, result.columns, a.columns)
    precondition(
        !result.isTransposed && a.rows == rows && b.columns == columns && b.rows == depth,
        "a \(a.rows)x\(a.columns) matrix times a \(b.rows)x\(b.columns) one does not give \(rows)x\(columns)")
    // OpenBLAS computes nothing where rows overlap, and tells nobody but the terminal.
    precondition(
        a.leadingDimension >= a.storedColumns && b.leadingDimension >= b.storedColumns
            && result.leadingDimension >= columns, "rows of a matrix overlap")
    guard rows > 0 && columns > 0 else { return }
    guard depth > 0 else {
        for row in 0..<rows {
            for column in 0..<columns {
                let place = row * result.leadingDimension + column
                unsafe result.base[place] = beta == 0 ? 0 : beta * result.base[place]
            }
        }
        return
    }
    OpenBLAS.pinToOneThread
    let width = OpenBLAS.blockColumns(a, b, rows: rows, columns: columns, depth: depth)
    for start in stride(from: 0, to: columns, by: width) {
        let count = min(width, columns - start)
        // A column of a transposed view is a stored row.
        let second = start * (b.isTransposed ? b.leadingDimension : 1)
        unsafe cblas_sgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
            b.isTransposed ? CblasTrans : CblasNoTrans,
            OpenBLAS.dimension(rows), OpenBLAS.dimension(count), OpenBLAS.dimension(depth),
            alpha, a.base, OpenBLAS.dimension(a.leadingDimension),
            b.base + second, OpenBLAS.dimension(b.leadingDimension),
            beta, result.base + start, OpenBLAS.dimension(result.leadingDimension))
    }
}

/// What the BLAS library says of itself.
public enum OpenBLAS {
    /// How the library's own threads were built. Apus keeps it at one thread under its own workers.
    public enum Threading: String, Sendable { case serial, pthread, openmp }

    /// Version and build options, such as `OpenBLAS 0.3.21 DYNAMIC_ARCH ... MAX_THREADS=64`.
    public static var configuration: String { unsafe String(cString: openblas_get_config()) }

    /// The version alone, such as `0.3.21`.
    public static var version: String {
        configuration.split(separator: " ").first { $0.first?.isNumber == true }.map(String.init)
            ?? "of unknown version"
    }

    /// The processor core whose kernels were picked, such as `SkylakeX`.
    public static var coreName: String { unsafe String(cString: openblas_get_corename()) }

    public static var threading: Threading {
        switch openblas_get_parallel() {
        case 1: .pthread
        case 2: .openmp
        default: .serial
        }
    }

    /// OpenBLAS's threads are not safe under concurrent calls (its issue 5836) and spin between calls, so
    /// every product runs on the thread that asks for it.
    static let pinToOneThread: Void = openblas_set_num_threads(1)

    /// Adds `aᵀ b` to `result`, in double precision on the calling thread: `a` of `depth` rows and `rows` columns, `b` of as
    /// many and `columns`, all of one leading dimension.
    @unsafe
    static func addTransposedProduct(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, to result: UnsafeMutablePointer<Double>,
        rows: Int, columns: Int, depth: Int, leadingDimension: Int
    ) {
        pinToOneThread
        let leading = dimension(leadingDimension)
        unsafe cblas_dgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, dimension(rows), dimension(columns), dimension(depth),
            1, a, leading, b, leading, 1, result, leading)
    }

    /// Columns of the result to compute at a time.
    ///
    /// The kernels for AVX-512 multiply small matrices without packing them, and without the lock that guards
    /// the packing's memory; but not by a transposed matrix where the result has more than 1,200 elements.
    /// In blocks below that, a product of 16 rows runs at twice the speed.
    fileprivate static func blockColumns(
        _ a: MatrixView, _ b: MatrixView, rows: Int, columns: Int, depth: Int
    ) -> Int {
        let limit = 1_200
        guard hasSmallKernels, b.isTransposed, !a.isTransposed, rows <= 32, depth >= 32,
            rows * columns > limit
        else { return columns }
        let block = limit / rows / 16 * 16
        return rows * block * depth <= 1_000_000 ? block : columns
    }

    private static let hasSmallKernels = ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(coreName)

    static func dimension(_ value: Int) -> blasint {
        precondition(value <= Int32.max, "a matrix dimension of \(value) exceeds BLAS's 32 bits")
        return blasint(max(value, 1))
    }
}
