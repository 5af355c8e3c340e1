/// Where the channels of a feature map lie in memory.
public enum Layout: String, Sendable, Codable, CaseIterable {
    /// `[batch, channels, height, width]`: a plane for each channel.
    case channelsFirst
    /// `[batch, height, width, channels]`: the channels of a pixel side by side.
    case channelsLast
}

/// A view of a batch of images or feature maps: `[batch, height, width, channels]`, in either layout.
///
/// Memory is a list of rows `rowStride` floats apart. A row is one pixel's channels when channels are
/// last, one whole image when they are first; a stride above the row's length is what lets the branches
/// of a concatenation write slices of one joint output. A tensor does not keep its memory alive: hold it
/// no longer than the call that handed it out.
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

    @unsafe
    init(base: UnsafeMutablePointer<Float>, batch: Int, shape: Shape, layout: Layout, rowStride: Int) {
        unsafe self.base = unsafe base
        self.batch = batch
        self.shape = shape
        self.layout = layout
        self.rowStride = rowStride
    }

    /// A dense tensor over the start of `view`.
    public init(_ view: FloatView, batch: Int, shape: Shape, layout: Layout) {
        precondition(
            batch * shape.count <= view.count,
            "\(batch) images of \(shape) do not fit \(view.count) floats")
        unsafe self.init(
            base: view.base, batch: batch, shape: shape, layout: layout,
            rowStride: Tensor.rowLength(shape, layout))
    }

    @usableFromInline
    static func rowLength(_ shape: Shape, _ layout: Layout) -> Int {
        layout == .channelsFirst ? shape.count : shape.channels
    }

    /// Floats in a row.
    @inlinable
    public var rowLength: Int { Tensor.rowLength(shape, layout) }

    /// Rows of the whole batch.
    @inlinable
    public var rows: Int { layout == .channelsFirst ? batch : batch * shape.pixels }

    /// Elements of the whole batch.
    public var count: Int { batch * shape.count }

    /// Whether rows follow each other without gaps.
    @inlinable
    public var isDense: Bool { rowStride == rowLength }

    /// Floats from one image to the next.
    var imageStride: Int { layout == .channelsFirst ? rowStride : rowStride * shape.pixels }

    /// Floats from one channel to the next.
    var channelStride: Int { layout == .channelsFirst ? shape.pixels : 1 }

    /// Floats from one pixel to the next.
    var pixelStride: Int { layout == .channelsFirst ? 1 : rowStride }

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
        return image * imageStride + (y * shape.width + x) * pixelStride + channel * channelStride
    }

    /// The images of `range`.
    public func images(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= batch, "\(range) outside 0..<\(batch)")
        return unsafe Tensor(
            base: base + range.lowerBound * imageStride, batch: range.count, shape: shape, layout: layout,
            rowStride: rowStride)
    }

    /// The channels of `range`, as a slice of this tensor's memory.
    public func channels(_ range: Range<Int>) -> Tensor {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= shape.channels,
            "\(range) outside 0..<\(shape.channels)")
        let slice = Shape(height: shape.height, width: shape.width, channels: range.count)
        return unsafe Tensor(
            base: base + range.lowerBound * channelStride, batch: batch, shape: slice, layout: layout,
            rowStride: rowStride)
    }

    /// The same memory under another shape of the same count, where that moves no element: always when
    /// channels are first (the order is PyTorch's), else between vectors alone.
    package func viewed(as other: Shape) -> Tensor {
        precondition(
            other.count == shape.count && (layout == .channelsFirst || other == shape),
            "\(shape) cannot be viewed as \(other)")
        return unsafe Tensor(
            base: base, batch: batch, shape: other, layout: layout, rowStride: rowStride)
    }

    /// One matrix row for each row of memory: images when channels are first, pixels when they are last.
    package var matrix: MatrixView {
        unsafe MatrixView(base: base, rows: rows, columns: rowLength, leadingDimension: rowStride)
    }

    /// Image `image` as a matrix of channels by pixels. Channels must be first.
    func planes(of image: Int) -> MatrixView {
        precondition(layout == .channelsFirst && image >= 0 && image < batch)
        return unsafe MatrixView(
            base: base + image * rowStride, rows: shape.channels, columns: shape.pixels,
            leadingDimension: shape.pixels)
    }
}
