/// Whole-tensor operations of layers, ours and users'.
extension Tensor {
    /// Sets every element.
    public func fill(_ value: Float) {
        forEachRun { row, count in
            unsafe (base + row * rowStride).update(repeating: value, count: count)
        }
    }

    /// Copies `other`, of the same batch, shape and layout.
    public func copy(from other: Tensor) { map(other) { $0 } }

    /// Adds `other`, of the same batch, shape and layout.
    public func add(_ other: Tensor) { zip(self, other) { $0 + $1 } }

    /// Adds `other`, of the same batch and shape; either may share its blocks of memory with other images.
    package func addImages(_ other: Tensor) {
        checkMatches(other)
        forEachPlace { image, pixel, channel in
            unsafe base[place(image, pixel, channel)] += other.base[other.place(image, pixel, channel)]
        }
    }

    /// Sets each element to `transform` of the element of `source` at the same place; `source` may be
    /// this tensor.
    @inlinable
    public func map(_ source: Tensor, _ transform: (Float) -> Float) {
        checkMatches(source)
        forEachRun(sharedWith: source) { row, count in
            let output = unsafe base + row * rowStride
            let input = unsafe source.base + row * source.rowStride
            for index in 0..<count { unsafe output[index] = transform(input[index]) }
        }
    }

    /// Sets each element to `combine` of the elements of `first` and `second` at the same place; either
    /// may be this tensor.
    @inlinable
    public func zip(_ first: Tensor, _ second: Tensor, _ combine: (Float, Float) -> Float) {
        checkMatches(first)
        checkMatches(second)
        let dense = isDense && first.isDense && second.isDense
        let runs = dense ? 1 : rows
        let length = dense ? rows * rowLength : rowLength
        for row in 0..<runs {
            let output = unsafe base + row * rowStride
            let one = unsafe first.base + row * first.rowStride
            let two = unsafe second.base + row * second.rowStride
            for index in 0..<length { unsafe output[index] = combine(one[index], two[index]) }
        }
    }

    /// Calls `body` with the first row and the length of each run of floats without a gap.
    @inlinable
    func forEachRun(sharedWith other: Tensor? = nil, _ body: (_ row: Int, _ count: Int) -> Void) {
        if isDense && (other?.isDense ?? true) {
            body(0, rows * rowLength)
        } else {
            for row in 0..<rows { body(row, rowLength) }
        }
    }

    @inlinable
    func checkMatches(_ other: Tensor) {
        precondition(
            other.batch == batch && other.shape == shape && other.layout == layout,
            "\(other.batch) images of \(other.shape) met \(batch) images of \(shape)")
    }

    /// Sets this tensor of vectors to the maps of `source`, in the order channel, row, column.
    package func flatten(_ source: Tensor) {
        precondition(shape == .features(source.shape.count) && batch == source.batch)
        source.forEachPlace { image, pixel, channel in
            let feature = channel * source.shape.pixels + pixel
            unsafe base[place(image, 0, feature)] = source.base[source.place(image, pixel, channel)]
        }
    }

    /// Calls `body` with each image, pixel and channel.
    @inline(__always)
    func forEachPlace(_ body: (_ image: Int, _ pixel: Int, _ channel: Int) -> Void) {
        switch layout {
        case .channelsFirst:
            for image in 0..<batch {
                for channel in 0..<shape.channels {
                    for pixel in 0..<shape.pixels { body(image, pixel, channel) }
                }
            }
        case .channelsLast:
            for image in 0..<batch {
                for pixel in 0..<shape.pixels {
                    for channel in 0..<shape.channels { body(image, pixel, channel) }
                }
            }
        case .imagesLast:
            for channel in 0..<shape.channels {
                for pixel in 0..<shape.pixels {
                    for image in 0..<batch { body(image, pixel, channel) }
                }
            }
        }
    }

    /// Floats from the tensor's start to an element.
    @inline(__always)
    func place(_ image: Int, _ pixel: Int, _ channel: Int) -> Int {
        let lane = firstLane + image
        let perBlock = layout.imagesPerBlock
        return lane / perBlock * blockStride + lane % perBlock + pixel * pixelStride + channel * channelStride
    }

    /// Reads image `image` from `values`, `[channels, height, width]`.
    public func load(_ image: Int, channelsFirst values: [Float]) {
        precondition(values.count == shape.count, "\(values.count) values for \(shape)")
        for channel in 0..<shape.channels {
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    self[image, y, x, channel] = values[(channel * shape.height + y) * shape.width + x]
                }
            }
        }
    }

    /// The elements of the batch in PyTorch's order, `[batch, channels, height, width]`.
    public var channelsFirstArray: [Float] {
        var values: [Float] = []
        values.reserveCapacity(count)
        for image in 0..<batch {
            for channel in 0..<shape.channels {
                for y in 0..<shape.height {
                    for x in 0..<shape.width { values.append(self[image, y, x, channel]) }
                }
            }
        }
        return values
    }

    /// Sets image `image` to image `other` of `source`, of the same shape, in any layout.
    package func copy(_ image: Int, from source: Tensor, _ other: Int) {
        precondition(
            shape == source.shape && image >= 0 && image < batch && other >= 0 && other < source.batch)
        let output = unsafe base + place(image, 0, 0)
        let input = unsafe source.base + source.place(other, 0, 0)
        let (pixels, stride, sourceStride) = (shape.pixels, pixelStride, source.pixelStride)
        for channel in 0..<shape.channels {
            var place = unsafe output + channel * channelStride
            var value = unsafe input + channel * source.channelStride
            for _ in 0..<pixels {
                unsafe place.pointee = value.pointee
                unsafe value += sourceStride
                unsafe place += stride
            }
        }
    }

    /// Reads every image from bytes `[height, width, channels]`, of which image `i` begins at `start(i)`; as
    /// `load(_:bytes:tables:)`.
    package func load(
        _ bytes: [UInt8], channels: Int, tables: [Float], from start: (_ image: Int) -> Int
    ) {
        let perBlock = layout.imagesPerBlock
        for first in stride(from: 0, to: batch, by: perBlock) {
            if perBlock > 1 && !sharesBlocks && batch - first >= perBlock {
                loadBlock(first / perBlock, bytes, channels: channels, tables: tables) { start(first + $0) }
            } else {
                for image in first..<min(first + perBlock, batch) {
                    let first = start(image)
                    load(image, bytes: bytes[first..<first + shape.pixels * channels], tables: tables)
                }
            }
        }
    }

    /// Reads a whole block of images, pixel by pixel: one image after the other would write each line of memory sixteen times.
    private func loadBlock(
        _ block: Int, _ bytes: [UInt8], channels: Int, tables: [Float], from start: (_ image: Int) -> Int
    ) {
        precondition(
            layout == .imagesLast && (channels == shape.channels || channels == 1)
                && tables.count == 256 * shape.channels)
        let count = shape.pixels * channels
        // A number that the compiler knows, so that the loop over a pixel's images unrolls.
        let images = 16
        unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>.self, capacity: images) { sources in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                for image in 0..<images {
                    let first = start(image)
                    precondition(first >= 0 && first + count <= bytes.count)
                    unsafe sources.initializeElement(at: image, to: bytes.baseAddress! + first)
                }
                unsafe tables.withUnsafeBufferPointer { tables in
                    let sources = sources.baseAddress!
                    var pixel = unsafe base + block * blockStride
                    for channel in 0..<shape.channels {
                        let table = unsafe tables.baseAddress! + (channel << 8)
                        let first = channels == 1 ? 0 : channel
                        for byte in stride(from: first, to: count, by: channels) {
                            for image in 0..<images {
                                unsafe pixel[image] = table[Int(sources[image][byte])]
                            }
                            unsafe pixel += images
                        }
                    }
                }
            }
        }
    }

    /// Reads image `image` from bytes `[height, width, channels]`; `tables` holds 256 floats for each
    /// channel, the value of each byte. A single channel of bytes is read for every channel.
    package func load(_ image: Int, bytes: ArraySlice<UInt8>, tables: [Float]) {
        let channels = bytes.count / shape.pixels
        precondition(
            bytes.count == shape.pixels * channels && (channels == shape.channels || channels == 1)
                && tables.count == 256 * shape.channels && image >= 0 && image < batch)
        let output = unsafe base + place(image, 0, 0)
        let (pixels, stride) = (shape.pixels, pixelStride)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe tables.withUnsafeBufferPointer { tables in
                let (bytes, tables) = (bytes.baseAddress!, tables.baseAddress!)
                if layout == .channelsLast && channels == 3 {
                    // Colours side by side are read once, not three times.
                    for pixel in 0..<pixels {
                        let (byte, place) = unsafe (bytes + 3 * pixel, output + pixel * stride)
                        for channel in 0..<3 {
                            unsafe place[channel] = tables[(channel << 8) + Int(byte[channel])]
                        }
                    }
                    return
                }
                for channel in 0..<shape.channels {
                    let table = unsafe tables + (channel << 8)
                    var byte = unsafe bytes + (channels == 1 ? 0 : channel)
                    var place = unsafe output + channel * channelStride
                    // Pointers that move: a multiplication for each pixel would take three times as long.
                    for _ in 0..<pixels {
                        unsafe place.pointee = table[Int(byte.pointee)]
                        unsafe byte += channels
                        unsafe place += stride
                    }
                }
            }
        }
    }
}
