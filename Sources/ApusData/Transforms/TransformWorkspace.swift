import ApusFormats
import ApusKernels

/// Memory in which images are transformed, one at a time. It grows with the greatest image, and is not given back
/// in between.
package final class TransformWorkspace: @unchecked Sendable {
    /// What goes into a transform and what comes out, in turn, and scratch.
    private var buffers: [FloatBuffer?] = [nil, nil, nil]
    private var resampling = Resampling(
        from: Shape(height: 1, width: 1, channels: 1), to: Shape(height: 1, width: 1, channels: 1))

    /// That of an image which is mixed into this one's.
    private(set) lazy var partner = TransformWorkspace()

    package init() {}

    /// An image that holds anything, in the memory of those of the same `turn`, 0 or 1.
    func image(_ turn: Int, _ size: ImageSize, channels: Int) throws -> ImageView {
        let count = size.height * size.width * channels
        return ImageView(
            try memory(turn, count), height: size.height, width: size.width, channels: channels)
    }

    func scratch(_ count: Int) throws -> FloatView { try memory(2, count) }

    func resample(_ input: ImageView, into output: ImageView, _ filter: Resampling.Filter) throws {
        resampling.change(from: input.shape, to: output.shape, filter: filter)
        let scratch = try scratch(resampling.scratchCount(channels: input.channels))
        resampling.apply(input, into: output, scratch: scratch)
    }

    private func memory(_ index: Int, _ count: Int) throws -> FloatView {
        if let buffer = buffers[index], buffer.count >= count { return buffer.view.slice(0..<count) }
        let buffer = try FloatBuffer(count: count)
        buffers[index] = buffer
        return buffer.view
    }
}

extension ImageView {
    fileprivate var shape: Shape { Shape(height: height, width: width, channels: channels) }
}
