/// A view of one image of floats that somebody else owns, `[height, width, channels]`: the channels of a pixel side
/// by side, and rows any distance apart, so that a part of an image is an image.
///
/// A view does not keep its memory alive: hold it no longer than the call that handed it out.
@safe
public struct ImageView: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    public let height: Int
    public let width: Int
    public let channels: Int
    /// Floats from one row to the next.
    let rowStride: Int

    @unsafe
    private init(
        base: UnsafeMutablePointer<Float>, height: Int, width: Int, channels: Int, rowStride: Int
    ) {
        unsafe self.base = unsafe base
        self.height = height
        self.width = width
        self.channels = channels
        self.rowStride = rowStride
    }

    /// A dense image over the start of `view`.
    public init(_ view: FloatView, height: Int, width: Int, channels: Int) {
        precondition(
            height >= 1 && width >= 1 && channels >= 1 && height * width * channels <= view.count,
            "an image of \(height)x\(width)x\(channels) does not fit \(view.count) floats")
        unsafe self.init(
            base: view.base, height: height, width: width, channels: channels, rowStride: width * channels)
    }

    public var pixels: Int { height * width }
    public var count: Int { pixels * channels }
    /// Floats in a row.
    var rowLength: Int { width * channels }

    /// The sample at a place, which must lie inside.
    public subscript(y: Int, x: Int, channel: Int) -> Float {
        get { unsafe base[place(y, x, channel)] }
        nonmutating set { unsafe base[place(y, x, channel)] = newValue }
    }

    private func place(_ y: Int, _ x: Int, _ channel: Int) -> Int {
        precondition(
            y >= 0 && y < height && x >= 0 && x < width && channel >= 0 && channel < channels,
            "[\(y), \(x), \(channel)] outside an image of \(height)x\(width)x\(channels)")
        return y * rowStride + x * channels + channel
    }

    /// The pixels of `rows` and `columns`, as a part of this image's memory.
    public func part(rows: Range<Int>, columns: Range<Int>) -> ImageView {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= height && columns.lowerBound >= 0
                && columns.upperBound <= width && !rows.isEmpty && !columns.isEmpty,
            "rows \(rows) and columns \(columns) of an image of \(height)x\(width)")
        return unsafe ImageView(
            base: base + rows.lowerBound * rowStride + columns.lowerBound * channels, height: rows.count,
            width: columns.count, channels: channels, rowStride: rowStride)
    }

    /// The samples, `[height, width, channels]`.
    public var array: [Float] {
        (0..<height).flatMap { y in
            unsafe Array(UnsafeBufferPointer(start: base + y * rowStride, count: rowLength))
        }
    }

    public func fill(_ value: Float) {
        for y in 0..<height { unsafe (base + y * rowStride).update(repeating: value, count: rowLength) }
    }

    /// Sets each sample to a random number from 0 to 1, which is not 1 itself.
    ///
    /// - Parameter first: the place of the first one in the stream.
    public func fill(with random: CounterRandom, from first: Int) {
        for y in 0..<height {
            unsafe random.fillUniform(base + y * rowStride, count: rowLength, from: first + y * rowLength)
        }
    }

    /// Copies an image of this extent.
    public func copy(from other: ImageView) {
        checkMatches(other)
        for y in 0..<height {
            unsafe (base + y * rowStride).update(from: other.base + y * other.rowStride, count: rowLength)
        }
    }

    /// Copies what lies under this image when its corner is put on pixel (`top`, `left`) of `other`, and fills what
    /// lies outside.
    public func copy(from other: ImageView, top: Int, left: Int, fill: Float) {
        precondition(channels == other.channels)
        let (first, last) = (min(max(-left, 0), width), max(min(other.width - left, width), 0))
        for y in 0..<height {
            let row = unsafe base + y * rowStride
            guard y + top >= 0, y + top < other.height, first < last else {
                unsafe row.update(repeating: fill, count: rowLength)
                continue
            }
            let source = unsafe other.base + (y + top) * other.rowStride
            unsafe row.update(repeating: fill, count: first * channels)
            unsafe (row + first * channels).update(
                from: source + (first + left) * channels, count: (last - first) * channels)
            unsafe (row + last * channels).update(repeating: fill, count: (width - last) * channels)
        }
    }

    /// Copies `other` with its columns in opposite order.
    public func copyMirrored(from other: ImageView) {
        checkMatches(other)
        let channels = channels
        for y in 0..<height {
            var place = unsafe base + y * rowStride
            var source = unsafe other.base + y * other.rowStride + (width - 1) * channels
            for _ in 0..<width {
                for channel in 0..<channels { unsafe place[channel] = source[channel] }
                unsafe place += channels
                unsafe source -= channels
            }
        }
    }

    /// Copies `other` with its rows in opposite order.
    public func copyUpsideDown(from other: ImageView) {
        checkMatches(other)
        for y in 0..<height {
            unsafe (base + y * rowStride).update(
                from: other.base + (height - 1 - y) * other.rowStride, count: rowLength)
        }
    }

    /// Makes each sample the mean of it and that of `other`, which counts `share`.
    package func mix(_ other: ImageView, share: Float) {
        checkMatches(other)
        for y in 0..<height {
            let row = unsafe base + y * rowStride
            let source = unsafe other.base + y * other.rowStride
            for index in 0..<rowLength { unsafe row[index] += share * (source[index] - row[index]) }
        }
    }

    /// Reads bytes, `[height, width, channels]`, each as 1/255 of its value.
    package func load(bytes: [UInt8]) {
        precondition(bytes.count == count, "\(bytes.count) bytes for \(count) samples")
        unsafe bytes.withUnsafeBufferPointer { bytes in
            for y in 0..<height {
                let row = unsafe base + y * rowStride
                let source = unsafe bytes.baseAddress! + y * rowLength
                // Division rounds once: white is exactly 1.
                for index in 0..<rowLength { unsafe row[index] = Float(source[index]) / 255 }
            }
        }
    }

    func checkMatches(_ other: ImageView) {
        precondition(
            height == other.height && width == other.width && channels == other.channels,
            "images of \(height)x\(width)x\(channels) and \(other.height)x\(other.width)x\(other.channels)")
    }
}

extension Tensor {
    /// Reads image `image` from samples of its height and width: `scales[channel]` times the sample, plus
    /// `offsets[channel]`. A single channel of samples is read for every channel.
    package func load(_ image: Int, samples: ImageView, scales: [Float], offsets: [Float]) {
        precondition(
            samples.height == shape.height && samples.width == shape.width
                && (samples.channels == shape.channels || samples.channels == 1)
                && scales.count == shape.channels && offsets.count == shape.channels && image >= 0
                && image < batch)
        let output = unsafe base + place(image, 0, 0)
        for y in 0..<shape.height {
            unsafe loadRow(
                y, of: samples.base + y * samples.rowStride, channels: samples.channels, scales: scales,
                offsets: offsets, into: output)
        }
    }

    /// Reads a row of the image that begins at `output` from samples of `channels`, a single one for every channel.
    @inline(__always) @unsafe
    func loadRow(
        _ y: Int, of samples: UnsafePointer<Float>, channels: Int, scales: [Float], offsets: [Float],
        into output: UnsafeMutablePointer<Float>
    ) {
        let stride = pixelStride
        for channel in 0..<shape.channels {
            let (scale, offset) = (scales[channel], offsets[channel])
            var place = unsafe output + channel * channelStride + y * shape.width * stride
            var sample = unsafe samples + (channels == 1 ? 0 : channel)
            for _ in 0..<shape.width {
                unsafe place.pointee = scale * sample.pointee + offset
                unsafe sample += channels
                unsafe place += stride
            }
        }
    }
}
