/// The weights with which the pixels of an image make an image of another size.
///
/// Each pixel is a weighted mean of those around its place, in rows and in columns. The centre of pixel `i` of
/// `target` lies at `c = (i + 1/2) source / target`, that of pixel `j` of the source at `j + 1/2`, and its
/// weight is `max(0, 1 - |j + 1/2 - c| / reach)`, over the sum of all. The reach is 1, which is bilinear
/// interpolation, or `source / target` where the image shrinks, so that every pixel counts.
///
/// Equal to PyTorch's `interpolate(mode="bilinear", align_corners=False, antialias=True)`.
public struct Resampling: Sendable {
    /// The height and width before and after; channels do not matter.
    public let source: Shape
    public let target: Shape
    let rows: Axis
    let columns: Axis

    public init(from source: Shape, to target: Shape) {
        self.source = source
        self.target = target
        rows = Axis(from: source.height, to: target.height)
        columns = Axis(from: source.width, to: target.width)
    }

    /// The weights in one direction.
    struct Axis: Sendable {
        /// The first pixel that each pixel of the target is made of.
        private(set) var pixels: [Int] = []
        /// Where its weights begin; one more, where the last one's end.
        private(set) var starts = [0]
        private(set) var weights: [Float] = []

        init(from source: Int, to target: Int) {
            precondition(source > 0 && target > 0, "\(source) pixels made \(target)")
            let scale = Double(source) / Double(target)
            let reach = max(1, scale)
            for index in 0..<target {
                let center = (Double(index) + 0.5) * scale
                let near = max(0, Int(center - reach))...min(source - 1, Int(center + reach))
                let weighted = near.map { ($0, max(0, 1 - abs(Double($0) + 0.5 - center) / reach)) }
                    .filter { $0.1 > 0 }
                let sum = weighted.reduce(0) { $0 + $1.1 }
                pixels.append(weighted[0].0)
                weights += weighted.map { Float($0.1 / sum) }
                starts.append(weights.count)
            }
        }

        /// Places of the weights of a pixel of the target.
        func places(of index: Int) -> Range<Int> { starts[index]..<starts[index + 1] }
    }
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
        let (rows, columns) = (resampling.rows, resampling.columns)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            for y in 0..<shape.height {
                let rowPlaces = rows.places(of: y)
                for x in 0..<shape.width {
                    let columnPlaces = columns.places(of: x)
                    let pixel = unsafe output + (y * shape.width + x) * pixelStride
                    for channel in 0..<channels {
                        var sum: Float = 0
                        var start = (rows.pixels[y] * source.width + columns.pixels[x]) * channels + channel
                        for rowPlace in rowPlaces {
                            var rowSum: Float = 0
                            var place = start
                            for columnPlace in columnPlaces {
                                rowSum += unsafe columns.weights[columnPlace] * Float(bytes[place])
                                place += channels
                            }
                            sum += rows.weights[rowPlace] * rowSum
                            start += source.width * channels
                        }
                        for target in channels == 1 ? 0..<shape.channels : channel..<channel + 1 {
                            unsafe pixel[target * channelStride] = scales[target] * sum + offsets[target]
                        }
                    }
                }
            }
        }
    }
}
