/// The weights with which the pixels of an image make an image of another size.
///
/// Each pixel is a weighted mean of those around its place, in rows and in columns. The centre of pixel `i` of
/// `target` lies at `c = (i + 1/2) source / target`, that of pixel `j` of the source at `j + 1/2`, and its weight is
/// the filter's at `(j + 1/2 - c) / stretch`, over the sum of all. The stretch is 1, or `source / target` where the
/// image shrinks, so that every pixel counts.
///
/// Equal to PyTorch's `interpolate(mode=..., align_corners=False, antialias=True)`, and its `mode="area"`.
public struct Resampling: Sendable {
    /// How a pixel's weight falls with its distance.
    public enum Filter: String, Sendable, Hashable, CaseIterable {
        /// `1 - |x|`.
        case bilinear
        /// All alike that lie under the pixel, be it with a part of them.
        case area
        /// Keys's cubic of a = -1/2 (1981, "Cubic convolution interpolation for digital image processing"): sharper,
        /// with weights below 0 and results beyond what went in.
        case bicubic

        /// The distance from which on there is no weight.
        fileprivate var reach: Double { self == .bicubic ? 2 : 1 }

        fileprivate func weight(_ x: Double) -> Double {
            let x = abs(x)
            switch self {
            case .bilinear: return max(0, 1 - x)
            case .area: return 1
            case .bicubic:
                if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
                return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
            }
        }
    }

    /// The height and width before and after; channels do not matter.
    public private(set) var source: Shape
    public private(set) var target: Shape
    public private(set) var filter: Filter
    private(set) var rows = Axis()
    private(set) var columns = Axis()

    public init(from source: Shape, to target: Shape, filter: Filter = .bilinear) {
        (self.source, self.target, self.filter) = (source, target, filter)
        weigh()
    }

    /// Makes this the resampling of other sizes, in the memory it has.
    package mutating func change(from source: Shape, to target: Shape, filter: Filter) {
        guard self.source != source || self.target != target || self.filter != filter else { return }
        (self.source, self.target, self.filter) = (source, target, filter)
        weigh()
    }

    private mutating func weigh() {
        rows.weigh(from: source.height, to: target.height, filter)
        columns.weigh(from: source.width, to: target.width, filter)
    }

    /// The weights in one direction.
    struct Axis: Sendable {
        /// The first pixel that each pixel of the target is made of.
        private(set) var pixels: [Int] = []
        /// Where its weights begin; one more, where the last one's end.
        private(set) var starts: [Int] = []
        private(set) var weights: [Float] = []
        /// The most pixels that one is made of.
        private(set) var depth = 0
        private var unscaled: [Double] = []

        mutating func weigh(from source: Int, to target: Int, _ filter: Filter) {
            precondition(source > 0 && target > 0, "\(source) pixels made \(target)")
            pixels.removeAll(keepingCapacity: true)
            starts.removeAll(keepingCapacity: true)
            weights.removeAll(keepingCapacity: true)
            starts.append(0)
            depth = 0
            let scale = Double(source) / Double(target)
            let stretch = max(1, scale)
            for index in 0..<target {
                let center = (Double(index) + 0.5) * scale
                let near =
                    filter == .area
                    ? index * source / target...((index + 1) * source - 1) / target
                    : Self.pixels(around: center, closerThan: filter.reach * stretch, of: source)
                unscaled.removeAll(keepingCapacity: true)
                for pixel in near {
                    unscaled.append(filter.weight((Double(pixel) + 0.5 - center) / stretch))
                }
                let sum = unscaled.reduce(0, +)
                pixels.append(near.lowerBound)
                for weight in unscaled { weights.append(Float(weight / sum)) }
                starts.append(weights.count)
                depth = max(depth, near.count)
            }
        }

        private static func pixels(
            around center: Double, closerThan distance: Double, of count: Int
        ) -> ClosedRange<Int> {
            let first = Int((center - distance - 0.5).rounded(.down)) + 1
            let last = Int((center + distance - 0.5).rounded(.up)) - 1
            return max(0, first)...min(count - 1, last)
        }

        /// Places of the weights of a pixel of the target.
        func places(of index: Int) -> Range<Int> { starts[index]..<starts[index + 1] }
    }
}

extension Resampling {
    /// Floats of scratch that `apply` takes for images of so many channels.
    package func scratchCount(channels: Int) -> Int { (rows.depth + 1) * target.width * channels }

    /// Writes `input`, of the source's size, in the target's.
    package func apply(_ input: ImageView, into output: ImageView, scratch: FloatView) {
        precondition(
            input.height == source.height && input.width == source.width && output.height == target.height
                && output.width == target.width && output.channels == input.channels)
        unsafe forEachRow(
            of: input.base, rowStride: input.rowStride, channels: input.channels, scratch: scratch
        ) { y, row in
            unsafe (output.base + y * output.rowStride).update(from: row, count: output.rowLength)
        }
    }

    /// Calls `body` with each row of the target: means of rows of the source, after its columns were made the target's.
    ///
    /// Of the source's rows only those are kept, in a ring, that a row is made of.
    @inline(__always) @unsafe
    fileprivate func forEachRow<Sample: ImageSample>(
        of input: UnsafePointer<Sample>, rowStride: Int, channels: Int, scratch: FloatView,
        _ body: (_ y: Int, _ row: UnsafePointer<Float>) -> Void
    ) {
        let (count, depth) = (target.width * channels, rows.depth)
        precondition(scratch.count >= scratchCount(channels: channels))
        let ring = unsafe scratch.base
        let sum = unsafe ring + depth * count
        var next = 0
        for y in 0..<target.height {
            let (first, places) = (rows.pixels[y], rows.places(of: y))
            next = max(next, first)
            while next < first + places.count {
                unsafe resampleColumns(
                    of: input + next * rowStride, channels: channels, into: ring + next % depth * count)
                next += 1
            }
            unsafe sum.update(repeating: 0, count: count)
            for (offset, place) in places.enumerated() {
                let weight = rows.weights[place]
                let row = unsafe ring + (first + offset) % depth * count
                for index in 0..<count { unsafe sum[index] += weight * row[index] }
            }
            unsafe body(y, sum)
        }
    }

    @inline(__always) @unsafe
    private func resampleColumns<Sample: ImageSample>(
        of row: UnsafePointer<Sample>, channels: Int, into output: UnsafeMutablePointer<Float>
    ) {
        let (starts, first) = (columns.starts, columns.pixels)
        unsafe columns.weights.withUnsafeBufferPointer { weights in
            var pixel = unsafe output
            for x in 0..<target.width {
                if channels == 3 {
                    // Three sums side by side do not wait for each other.
                    var (red, green, blue): (Float, Float, Float) = (0, 0, 0)
                    var sample = unsafe row + 3 * first[x]
                    for place in starts[x]..<starts[x + 1] {
                        let weight = unsafe weights[place]
                        red += unsafe weight * sample[0].float
                        green += unsafe weight * sample[1].float
                        blue += unsafe weight * sample[2].float
                        unsafe sample += 3
                    }
                    unsafe (pixel[0], pixel[1], pixel[2]) = (red, green, blue)
                } else {
                    for channel in 0..<channels {
                        var sum: Float = 0
                        var sample = unsafe row + channels * first[x] + channel
                        for place in starts[x]..<starts[x + 1] {
                            sum += unsafe weights[place] * sample.pointee.float
                            unsafe sample += channels
                        }
                        unsafe pixel[channel] = sum
                    }
                }
                unsafe pixel += channels
            }
        }
    }
}

/// What the samples of an image may be.
private protocol ImageSample {
    var float: Float { get }
}

extension Float: ImageSample {
    fileprivate var float: Float { self }
}

extension UInt8: ImageSample {
    fileprivate var float: Float { Float(self) }
}

extension Tensor {
    /// Reads image `image` from bytes `[height, width, channels]` of another size: the resampled byte times
    /// `scales[channel]`, plus `offsets[channel]`. A single channel of bytes is read for every channel.
    package func load(
        _ image: Int, bytes: ArraySlice<UInt8>, resampling: Resampling, scales: [Float], offsets: [Float]
    ) {
        let (source, channels) = (resampling.source, bytes.count / resampling.source.pixels)
        precondition(
            bytes.count == source.pixels * channels && (channels == shape.channels || channels == 1)
                && shape.height == resampling.target.height && shape.width == resampling.target.width
                && scales.count == shape.channels && offsets.count == shape.channels
                && image >= 0 && image < batch)
        let output = unsafe base + place(image, 0, 0)
        let count = resampling.scratchCount(channels: channels)
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { scratch in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe resampling.forEachRow(
                    of: bytes.baseAddress!, rowStride: source.width * channels, channels: channels,
                    scratch: FloatView(base: scratch.baseAddress!, count: count)
                ) { y, row in
                    unsafe loadRow(
                        y, of: row, channels: channels, scales: scales, offsets: offsets, into: output)
                }
            }
        }
    }
}
