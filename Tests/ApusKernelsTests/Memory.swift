import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

/// The memory of a test's views and tensors, each surrounded by NaN, which must still be there at the end.
///
/// NaN before and behind shows both a read outside, since it spreads, and a write outside.
final class Memory {
    private var fences: [FloatView] = []
    private var buffers: [FloatBuffer] = []
    private var wholes: [(tensor: Tensor, used: Range<Int>)] = []

    private static let fence = 32

    /// `count` floats of NaN.
    func view(count: Int) -> FloatView {
        // Without memory there is no test.
        let buffer = try! FloatBuffer(count: count + 2 * Memory.fence)
        buffer.view.fill(.nan)
        buffers.append(buffer)
        fences.append(buffer.view.slice(0..<Memory.fence))
        fences.append(buffer.view.slice(Memory.fence + count..<buffer.count))
        return buffer.view.slice(Memory.fence..<Memory.fence + count)
    }

    func view(_ values: [Float]) -> FloatView {
        let view = view(count: values.count)
        if !values.isEmpty { view.copy(from: values) }
        return view
    }

    /// A batch of NaN; with `margin`, a slice of the channels of a wider tensor with so many more on each
    /// side.
    func tensor(batch: Int, _ shape: Shape, _ layout: Layout, margin: Int = 0) -> Tensor {
        let wide = Shape(
            height: shape.height, width: shape.width, channels: shape.channels + 2 * margin)
        let whole = Tensor(
            view(count: layout.floats(batch: batch, wide)), batch: batch, shape: wide, layout: layout)
        let used = margin..<margin + shape.channels
        wholes.append((whole, used))
        return whole.channels(used)
    }

    func tensor(_ reference: ReferenceTensor<Float>, _ layout: Layout, margin: Int = 0) -> Tensor {
        let shape = Shape(
            height: reference.height, width: reference.width, channels: reference.channels)
        let tensor = tensor(batch: reference.batch, shape, layout, margin: margin)
        let count = shape.count
        for image in 0..<reference.batch {
            tensor.load(
                image, channelsFirst: Array(reference.values[image * count..<(image + 1) * count]))
        }
        return tensor
    }

    /// Vectors, `[rows.count, features]`.
    func vectors(_ rows: [[Float]], _ layout: Layout = .channelsLast, margin: Int = 0) -> Tensor {
        tensor(
            ReferenceTensor(rows.count, rows[0].count, 1, 1, values: rows.flatMap { $0 }), layout,
            margin: margin)
    }

    fileprivate func expectFencesStand(_ sourceLocation: SourceLocation) {
        for fence in fences {
            #expect(
                fence.array.allSatisfy { $0.isNaN }, "a fence was written", sourceLocation: sourceLocation)
        }
        for (whole, used) in wholes {
            for channels in [0..<used.lowerBound, used.upperBound..<whole.shape.channels] {
                let margin = whole.channels(channels).channelsFirstArray
                #expect(
                    margin.allSatisfy { $0.isNaN }, "channels beside the slice were written",
                    sourceLocation: sourceLocation)
            }
        }
    }
}

/// Runs `body` with memory that lives until it ends, and expects that nothing was written outside.
func withMemory<Result>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (Memory) throws -> Result
) rethrows -> Result {
    let memory = Memory()
    return try withExtendedLifetime(memory) {
        let result = try body(memory)
        memory.expectFencesStand(sourceLocation)
        return result
    }
}

/// Small whole numbers of a shape, `[batch, channels, height, width]`.
func integerTensor(_ shape: [Int], seed: UInt64) -> ReferenceTensor<Float> {
    ReferenceTensor(shape: shape, values: integers(count: shape.reduce(1, *), seed: seed))
}

/// Where a gradient may be sent to.
enum Target: String, CaseIterable, Sendable {
    case overwrite, add

    func destination(_ tensor: Tensor) -> GradientDestination {
        self == .add ? .add(tensor) : .overwrite(tensor)
    }
}

extension Memory {
    /// A convolution's weights, as they lie in memory, and what the algorithm makes of them.
    func weights(
        _ values: [Float], _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
    ) -> ConvolutionWeights {
        let counts = Convolution.preparedCounts(geometry, algorithm)
        let weights = ConvolutionWeights(
            view(values), prepared: counts.map { view(count: $0.forward) },
            preparedForBackward: counts.map { view(count: $0.backward) })
        for share in 0..<3 {
            weights.prepare(geometry, algorithm, forBackward: true, share: Share(share, of: 3))
        }
        return weights
    }
}
