import Synchronization

/// A linear map of whole images, after a mean image has been subtracted: `y = W (x - mean)`.
///
/// An image is a vector here, in the order channel, row, column, whatever the layout of the tensor. `[count, count]` numbers
/// are read for each product, so several images are mapped by one.
public final class CenteredMap: Sendable {
    public let count: Int
    private let meanBlock: FloatBuffer
    private let matrixBlock: FloatBuffer
    /// Memory that no thread uses now.
    private let idle = Mutex<[FloatBuffer]>([])
    /// What is used, in turn, where there is no memory for more.
    private let reserve: Mutex<FloatBuffer>

    /// Images of a product: as many as a block where images are last.
    private static let greatestBatch = 16

    /// - Parameter matrix: `[mean.count, mean.count]`.
    /// - Throws: `AllocationError` where memory runs out.
    public init(mean: [Float], matrix: [Float]) throws {
        precondition(!mean.isEmpty && matrix.count == mean.count * mean.count)
        count = mean.count
        meanBlock = try FloatBuffer(count: mean.count)
        matrixBlock = try FloatBuffer(count: matrix.count)
        meanBlock.view.copy(from: mean)
        matrixBlock.view.copy(from: matrix)
        reserve = Mutex(try Self.scratch(count))
    }

    public var mean: [Float] { meanBlock.view.array }
    /// W, row-major.
    public var matrix: [Float] { matrixBlock.view.array }

    /// Replaces images of `count` numbers by what they become. Called on any number of threads at once.
    package func apply(to images: Tensor) {
        precondition(images.shape.count == count)
        withScratch { scratch in
            for start in stride(from: 0, to: images.batch, by: Self.greatestBatch) {
                let range = start..<min(start + Self.greatestBatch, images.batch)
                apply(to: images.images(range), scratch)
            }
        }
    }

    private func apply(to images: Tensor, _ scratch: FloatView) {
        let room = count * Self.greatestBatch
        let centered = scratch.matrix(rows: count, columns: images.batch)
        let mapped = scratch.slice(room..<2 * room).matrix(rows: count, columns: images.batch)
        images.subtract(meanBlock.view, into: centered)
        let matrix = matrixBlock.view.matrix(rows: count, columns: count)
        switch Backend.preferred {
        case .vector:
            DirectProduct.multiply(
                matrix, .plain(centered), into: mapped,
                scratch: scratch.slice(2 * room..<2 * room + DirectProduct.scratchCount))
        case .gemm:
            multiply(matrix, centered, into: mapped)
        }
        images.copy(fromColumns: mapped)
    }

    private static func scratch(_ count: Int) throws -> FloatBuffer {
        try FloatBuffer(count: 2 * greatestBatch * count + DirectProduct.scratchCount)
    }

    private func withScratch(_ body: (FloatView) -> Void) {
        guard let scratch = idle.withLock({ $0.popLast() }) ?? (try? Self.scratch(count)) else {
            reserve.withLock { body($0.view) }
            return
        }
        body(scratch.view)
        idle.withLock { $0.append(scratch) }
    }
}

extension Tensor {
    /// Writes images to the columns of `columns`, in the order channel, row, column, less `mean`.
    fileprivate func subtract(_ mean: FloatView, into columns: MatrixView) {
        for image in 0..<batch {
            forEachFeature(of: image) { feature, place in
                unsafe columns.base[feature * columns.leadingDimension + image] =
                    base[place] - mean.base[feature]
            }
        }
    }

    /// Reads images from such columns.
    fileprivate func copy(fromColumns columns: MatrixView) {
        for image in 0..<batch {
            forEachFeature(of: image) { feature, place in
                unsafe base[place] = columns.base[feature * columns.leadingDimension + image]
            }
        }
    }

    /// Calls `body` with the place of each number of an image, in the order channel, row, column.
    @inline(__always)
    private func forEachFeature(of image: Int, _ body: (_ feature: Int, _ place: Int) -> Void) {
        let (first, pixels, stride) = (place(image, 0, 0), shape.pixels, pixelStride)
        for channel in 0..<shape.channels {
            var place = first + channel * channelStride
            for feature in channel * pixels..<(channel + 1) * pixels {
                body(feature, place)
                place += stride
            }
        }
    }
}
