import CVectorKernels

/// A row-major matrix in memory that somebody else owns, perhaps read transposed.
@safe
public struct MatrixView: @unchecked Sendable {
    private(set) var base: UnsafeMutablePointer<Float>
    /// Rows and columns as stored, before transposition.
    let storedRows: Int
    let storedColumns: Int
    /// Floats from one stored row to the next.
    public let leadingDimension: Int
    public private(set) var isTransposed = false

    @unsafe
    init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, leadingDimension: Int) {
        unsafe self.base = unsafe base
        storedRows = rows
        storedColumns = columns
        self.leadingDimension = leadingDimension
    }

    public var rows: Int { isTransposed ? storedColumns : storedRows }
    public var columns: Int { isTransposed ? storedRows : storedColumns }

    /// The same memory read as its transpose.
    public var transposed: MatrixView {
        var view = self
        view.isTransposed.toggle()
        return view
    }

    /// A matrix of the same extents, `floats` further on.
    @unsafe
    func offset(by floats: Int) -> MatrixView {
        var view = self
        unsafe view.base += floats
        return view
    }

    /// The rows of `range`, of a matrix that is not transposed.
    package func rows(_ range: Range<Int>) -> MatrixView {
        precondition(!isTransposed && range.lowerBound >= 0 && range.upperBound <= storedRows)
        return unsafe MatrixView(
            base: base + range.lowerBound * leadingDimension, rows: range.count, columns: storedColumns,
            leadingDimension: leadingDimension)
    }

    /// The columns of `range`, of a matrix that is not transposed.
    package func columns(_ range: Range<Int>) -> MatrixView {
        precondition(!isTransposed && range.lowerBound >= 0 && range.upperBound <= storedColumns)
        return unsafe MatrixView(
            base: base + range.lowerBound, rows: storedRows, columns: range.count,
            leadingDimension: leadingDimension)
    }

    /// Sets all elements to `value`.
    package func fill(_ value: Float) {
        precondition(!isTransposed)
        for row in 0..<storedRows {
            unsafe VectorKernels.current.fill(storedColumns, value, base + row * leadingDimension)
        }
    }

    /// Sets every row to `values`, one for each column.
    package func fillRows(with values: FloatView) {
        precondition(!isTransposed && values.count == storedColumns)
        for row in 0..<storedRows {
            unsafe (base + row * leadingDimension).update(from: values.base, count: storedColumns)
        }
    }

    /// Sets every column to `values`, one for each row.
    package func fillColumns(with values: FloatView) {
        precondition(!isTransposed && values.count == storedRows)
        for row in 0..<storedRows {
            unsafe VectorKernels.current.fill(
                storedColumns, values.base[row], base + row * leadingDimension)
        }
    }

    /// Sets negative elements to zero; a NaN stays a NaN.
    func rectify() {
        precondition(!isTransposed)
        unsafe VectorKernels.current.relu(
            storedRows, storedColumns, base, leadingDimension, base, leadingDimension)
    }

    /// The elements at the places where `output` is above 0, and zeros elsewhere, as a matrix over the start of
    /// `scratch`.
    func masked(by output: MatrixView, in scratch: FloatView) -> MatrixView {
        precondition(
            !isTransposed && !output.isTransposed && output.storedRows == storedRows
                && output.storedColumns == storedColumns)
        let result = scratch.matrix(rows: storedRows, columns: storedColumns)
        unsafe VectorKernels.current.relu_gradient(
            storedRows, storedColumns, base, leadingDimension, 1, output.base, output.leadingDimension,
            result.base, storedColumns)
        return result
    }

    /// Adds the sum of each column to `sums`.
    package func addColumnSums(to sums: FloatView) {
        precondition(!isTransposed && sums.count == storedColumns)
        unsafe VectorKernels.current.column_sums(
            storedRows, storedColumns, base, leadingDimension, sums.base)
    }

    /// Adds the sum of each row to `sums`.
    package func addRowSums(to sums: FloatView) {
        precondition(!isTransposed && sums.count == storedRows)
        for row in 0..<storedRows {
            unsafe sums.base[row] += sum(base + row * leadingDimension, count: storedColumns)
        }
    }

    /// Writes the transpose of this matrix to `destination`.
    package func transpose(into destination: MatrixView) {
        precondition(
            !isTransposed && !destination.isTransposed
                && destination.storedRows == storedColumns && destination.storedColumns == storedRows)
        unsafe VectorKernels.current.transpose(
            storedRows, storedColumns, base, leadingDimension, destination.base,
            destination.leadingDimension)
    }
}

/// Eight floats from anywhere. (`loadUnaligned` asks for the type's metadata at each call.)
@inline(__always) @unsafe
func eight(_ values: UnsafePointer<Float>) -> SIMD8<Float> {
    unsafe SIMD8(
        values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7])
}

/// The sum of `count` floats, in eight interleaved partial sums: the order vector units add in, the same on
/// every machine.
@inline(__always) @unsafe
func sum(_ values: UnsafePointer<Float>, count: Int) -> Float {
    var partial = SIMD8<Float>.zero
    let blocks = count / 8
    for block in 0..<blocks {
        unsafe partial += eight(values + 8 * block)
    }
    var total = partial.sum()
    for index in (8 * blocks)..<count { unsafe total += values[index] }
    return total
}
