import CVectorKernels

/// Products in a kernel of our own, for the shapes of convolutions whose channels are last: many rows, few
/// columns.
///
/// OpenBLAS packs both operands, the larger one included, which few columns do not pay for; and what goes
/// before and after a product, the bias and a ReLU, costs it a pass of its own over the result.
package enum DirectProduct {
    /// Floats of scratch a product takes, for a panel of its second operand.
    package static let scratchCount = Int(apus_panel_floats)

    /// The greatest depth that may come in several runs.
    package static let greatestRunDepth = Int(apus_panel_depth)

    /// Floats that `pack` writes for a matrix.
    package static func packedCount(rows: Int, columns: Int) -> Int {
        let chunk = Int(apus_chunk)
        return rows * ((columns + chunk - 1) / chunk * chunk)
    }

    /// Copies a second factor as products read it, which then need not do so each time.
    package static func pack(_ b: MatrixView, into packed: FloatView, with kernels: apus_kernels? = nil) {
        precondition(packed.count >= packedCount(rows: b.rows, columns: b.columns))
        var product = unsafe apus_product()
        unsafe product.columns = b.columns
        unsafe product.depth = b.rows
        unsafe product.setSecondFactor(.plain(b))
        unsafe (kernels ?? VectorKernels.current).pack(&product, packed.base)
    }

    /// A share of the columns of a matrix that `pack` has copied, whose panels are its own.
    package static func columns(_ share: Share, of columns: Int) -> Range<Int> {
        let (width, steps) = (Int(apus_panel_width), steps(columns))
        let own = share.range(of: steps)
        let isLast = !own.isEmpty && own.upperBound == steps
        return own.lowerBound * width..<(isLast ? columns : own.upperBound * width)
    }

    /// Whether columns are shares of such a matrix, or all of it.
    static func arePanels(_ range: Range<Int>, of columns: Int) -> Bool {
        let (width, steps) = (Int(apus_panel_width), steps(columns))
        func startsPanel(_ column: Int) -> Bool { column % width == 0 && column / width < steps }
        return startsPanel(range.lowerBound)
            && (range.upperBound == columns || startsPanel(range.upperBound))
    }

    /// Places where a panel begins however many columns are left: each widest one. But one chunk or two that are left over are packed
    /// with four others, as two panels alike.
    private static func steps(_ columns: Int) -> Int {
        let chunk = Int(apus_chunk)
        return max(1, ((columns + chunk - 1) / chunk + 1) / (Int(apus_panel_width) / chunk))
    }

    /// The second factor of a product: a matrix, or what `pack` has made of it.
    package enum SecondFactor {
        case plain(MatrixView)
        case packed(FloatView, rows: Int, columns: Int)

        var rows: Int {
            switch self {
            case .plain(let matrix): matrix.rows
            case .packed(_, let rows, _): rows
            }
        }

        var columns: Int {
            switch self {
            case .plain(let matrix): matrix.columns
            case .packed(_, _, let columns): columns
            }
        }
    }

    /// Sets `result` to `a * b`, or adds that; or to `a * b` with `bias` added to each row and, where asked for,
    /// negative elements set to zero. `a` and `b` may be transposed views.
    ///
    /// - Parameters:
    ///   - runs: `a` stands for so many matrices side by side, each `runStride` floats after the one before in memory.
    ///     They hold at most `greatestRunDepth` columns together, and are not transposed.
    ///   - last: whether what `result` holds is added to the complete sum. That rounds less than to begin
    ///     with it, but the bits then depend on how a sum is divided among products.
    ///   - mask: where this matrix is not above zero, the result is zero.
    ///   - continuing: whether what follows `a` in memory is soon the first factor of another such product, and
    ///     worth bringing to the cache; heeded where `a` is transposed and without gaps.
    package static func multiply(
        _ a: MatrixView, runs: Int = 1, runStride: Int = 0, _ b: SecondFactor, into result: MatrixView,
        adding: Bool = false, last: Bool = false, bias: FloatView? = nil, rectifying: Bool = false,
        mask: MatrixView? = nil, continuing: Bool = false, scratch: FloatView,
        with kernels: apus_kernels? = nil
    ) {
        precondition(
            b.rows == runs * a.columns && b.columns == result.columns
                && (runs == 1 || b.rows <= greatestRunDepth && !a.isTransposed)
                && scratch.count >= scratchCount)
        var product = unsafe apus_product(
            a, depth: b.rows, into: result, adding: adding, bias: bias, rectifying: rectifying)
        unsafe product.runs = runs
        unsafe product.a_run = runStride
        unsafe product.adds_last = last
        unsafe product.continues = continuing
        if let mask {
            precondition(!mask.isTransposed && mask.rows == result.rows && mask.columns == result.columns)
            unsafe product.mask = unsafe UnsafePointer(mask.base)
            unsafe product.mask_row = mask.leadingDimension
        }
        unsafe product.setSecondFactor(b)
        unsafe (kernels ?? VectorKernels.current).product(&product, scratch.base)
    }
}

extension apus_product {
    /// A product with all but its second factor.
    init(
        _ a: MatrixView, depth: Int, into result: MatrixView, adding: Bool, bias: FloatView?, rectifying: Bool
    ) {
        precondition(
            !result.isTransposed && depth > 0 && result.rows > 0 && a.rows == result.rows
                && !(adding && bias != nil)
                && bias.map { $0.count == result.columns } ?? true)
        unsafe self.init()
        unsafe rows = result.rows
        unsafe columns = result.columns
        unsafe self.depth = depth
        unsafe self.a = unsafe UnsafePointer(a.base)
        unsafe a_row = a.isTransposed ? 1 : a.leadingDimension
        unsafe a_depth = a.isTransposed ? a.leadingDimension : 1
        unsafe runs = 1
        unsafe c = result.base
        unsafe c_row = result.leadingDimension
        unsafe self.bias = unsafe bias.map { unsafe UnsafePointer($0.base) }
        unsafe adds = adding
        unsafe rectifies = rectifying
    }

    mutating func setSecondFactor(_ factor: DirectProduct.SecondFactor) {
        switch factor {
        case .plain(let matrix):
            unsafe b = unsafe UnsafePointer(matrix.base)
            unsafe b_row = matrix.leadingDimension
            unsafe is_b_transposed = matrix.isTransposed
        case .packed(let panels, let rows, let columns):
            precondition(panels.count >= DirectProduct.packedCount(rows: rows, columns: columns))
            unsafe b = unsafe UnsafePointer(panels.base)
            unsafe is_b_packed = true
        }
    }
}
