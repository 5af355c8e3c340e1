/// Where the channels of a feature map lie in memory.
public enum Layout: String, Sendable, Codable, CaseIterable {
    /// `[batch, channels, height, width]`: a plane for each channel.
    case channelsFirst
    /// `[batch, height, width, channels]`: the channels of a pixel side by side.
    case channelsLast
    /// `[batch / 16, channels, height, width, 16]`: one pixel of 16 images side by side, the last block of a batch
    /// filled up with images that are none and hold anything.
    case imagesLast

    /// Images that share a block of memory, whose places are taken however few there are.
    public var imagesPerBlock: Int { self == .imagesLast ? 16 : 1 }

    /// Floats that hold `batch` images of `shape`.
    public func floats(batch: Int, _ shape: Shape) -> Int {
        (batch + imagesPerBlock - 1) / imagesPerBlock * imagesPerBlock * shape.count
    }
}

/// A view of a batch of images or feature maps: `[batch, height, width, channels]`, in any layout.
///
/// Memory is a list of rows `rowStride` floats apart. A row is one pixel's channels when channels are
/// last, one whole image when they are first, a block of them when images are last; a stride above the row's length
/// is what lets the branches of a concatenation write slices of one joint output. A tensor does not keep its memory
/// alive: hold it no longer than the call that handed it out.
@safe
public struct Tensor: @unchecked Sendable {
    @usableFromInline let base: UnsafeMutablePointer<Float>
    /// Images in the batch.
    public let batch: Int
    /// The extent of one image.
    public let shape: Shape
    public let layout: Layout
    /// Floats from one row to the next.
    public let rowStride: Int
    /// The place of the first image in its block.
    let firstLane: Int
    /// Whether blocks hold images of another tensor too: rows are then not this one's alone.
    let sharesBlocks: Bool

    @unsafe
    init(
        base: UnsafeMutablePointer<Float>, batch: Int, shape: Shape, layout: Layout, rowStride: Int,
        firstLane: Int = 0, sharesBlocks: Bool = false
    ) {
        unsafe self.base = unsafe base
        self.batch = batch
        self.shape = shape
        self.layout = layout
        self.rowStride = rowStride
        self.firstLane = firstLane
        self.sharesBlocks = sharesBlocks
    }

    /// A dense tensor over the start of `view`.
    public init(_ view: FloatView, batch: Int, shape: Shape, layout: Layout) {
        precondition(
            layout.floats(batch: batch, shape) <= view.count,
            "\(batch) images of \(shape) do not fit \(view.count) floats")
        unsafe self.init(
            base: view.base, batch: batch, shape: shape, layout: layout,
            rowStride: Tensor.rowLength(shape, layout))
    }

    @usableFromInline
    static func rowLength(_ shape: Shape, _ layout: Layout) -> Int {
        layout == .channelsLast ? shape.channels : layout.imagesPerBlock * shape.count
    }

    /// Floats in a row.
    @inlinable
    public var rowLength: Int { Tensor.rowLength(shape, layout) }

    /// Rows of the whole batch.
    public var rows: Int {
        precondition(!sharesBlocks, "rows of images that share their blocks of 16 with others")
        return switch layout {
        case .channelsFirst: batch
        case .channelsLast: batch * shape.pixels
        case .imagesLast: (batch + layout.imagesPerBlock - 1) / layout.imagesPerBlock
        }
    }

    /// Elements of the whole batch.
    public var count: Int { batch * shape.count }

    /// Whether rows follow each other without gaps.
    @inlinable
    public var isDense: Bool { rowStride == rowLength }

    /// Floats from one block of images, in most layouts one image, to the next.
    var blockStride: Int { layout == .channelsLast ? rowStride * shape.pixels : rowStride }

    /// Floats from one channel to the next.
    var channelStride: Int { layout == .channelsLast ? 1 : layout.imagesPerBlock * shape.pixels }

    /// Floats from one pixel to the next.
    var pixelStride: Int { layout == .channelsLast ? rowStride : layout.imagesPerBlock }

    /// The element at a place, which must lie inside.
    public subscript(image: Int, y: Int, x: Int, channel: Int) -> Float {
        get { unsafe base[offset(image, y, x, channel)] }
        nonmutating set { unsafe base[offset(image, y, x, channel)] = newValue }
    }

    private func offset(_ image: Int, _ y: Int, _ x: Int, _ channel: Int) -> Int {
        precondition(
            image >= 0 && image < batch && y >= 0 && y < shape.height && x >= 0 && x < shape.width
                && channel >= 0 && channel < shape.channels,
            "[\(image), \(y), \(x), \(channel)] outside \(batch) images of \(shape)")
        return place(image, y * shape.width + x, channel)
    }

    /// The images of `range`; where images are last, only ranges from block to block have rows.
    public func images(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= batch, "\(range) outside 0..<\(batch)")
        let perBlock = layout.imagesPerBlock
        let first = firstLane + range.lowerBound
        let endsInside = (firstLane + range.upperBound) % perBlock != 0 && range.upperBound < batch
        return unsafe Tensor(
            base: base + first / perBlock * blockStride, batch: range.count, shape: shape, layout: layout,
            rowStride: rowStride, firstLane: first % perBlock,
            sharesBlocks: sharesBlocks || first % perBlock != 0 || endsInside)
    }

    /// The channels of `range`, as a slice of this tensor's memory.
    public func channels(_ range: Range<Int>) -> Tensor {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= shape.channels,
            "\(range) outside 0..<\(shape.channels)")
        let slice = Shape(height: shape.height, width: shape.width, channels: range.count)
        return unsafe Tensor(
            base: base + range.lowerBound * channelStride, batch: batch, shape: slice, layout: layout,
            rowStride: rowStride, firstLane: firstLane, sharesBlocks: sharesBlocks)
    }

    /// The same memory under another shape of the same count, where that moves no element: always but for channels
    /// that are last, whose order is not PyTorch's.
    package func viewed(as other: Shape) -> Tensor {
        precondition(
            other.count == shape.count && (layout != .channelsLast || other == shape),
            "\(shape) cannot be viewed as \(other)")
        return unsafe Tensor(
            base: base, batch: batch, shape: other, layout: layout, rowStride: rowStride,
            firstLane: firstLane,
            sharesBlocks: sharesBlocks)
    }

    /// One matrix row for each row of memory: images when channels are first, pixels when they are last. Images must
    /// not be.
    package var matrix: MatrixView {
        precondition(layout != .imagesLast)
        return unsafe MatrixView(
            base: base, rows: rows, columns: rowLength, leadingDimension: rowStride)
    }

    /// Image `image` as a matrix of channels by pixels. Channels must be first.
    func planes(of image: Int) -> MatrixView {
        precondition(layout == .channelsFirst && image >= 0 && image < batch)
        return unsafe MatrixView(
            base: base + image * rowStride, rows: shape.channels, columns: shape.pixels,
            leadingDimension: shape.pixels)
    }

    /// Writes vectors to the rows of `matrix`, one for each image.
    package func copyVectors(to matrix: MatrixView) {
        precondition(
            shape.isVector && !matrix.isTransposed && matrix.rows == batch && matrix.columns == shape.channels
        )
        guard layout == .imagesLast else {
            for image in 0..<batch {
                unsafe (matrix.base + image * matrix.leadingDimension).update(
                    from: base + image * rowStride, count: shape.channels)
            }
            return
        }
        for block in 0..<rows {
            let features = features(ofBlock: block)
            let first = block * layout.imagesPerBlock
            features.transpose(into: matrix.rows(first..<first + features.columns))
        }
    }

    /// Block `block` of vectors as a matrix of features by images. Images must be last; places of images that are none
    /// are left out, or not.
    package func features(ofBlock block: Int, filled: Bool = false) -> MatrixView {
        precondition(layout == .imagesLast && shape.isVector && block >= 0 && block < rows)
        let perBlock = layout.imagesPerBlock
        return unsafe MatrixView(
            base: base + block * rowStride, rows: shape.channels,
            columns: filled ? perBlock : min(perBlock, batch - block * perBlock), leadingDimension: perBlock)
    }
}
