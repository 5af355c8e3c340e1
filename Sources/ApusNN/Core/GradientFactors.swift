import ApusKernels

/// The gradient of a matrix of weights as one product for the whole batch, `outputGradients^T inputs`, whose factors have a
/// row for each image.
///
/// Backward passes leave the factors, and who reduces gradients takes the product, some rows at a time, on the thread
/// that then moves those weights. Of a wide matrix the factors are smaller than a gradient for each lane would be, which
/// is written, read by other cores and added up. (Xie et al., 2015, "Distributed machine learning via sufficient factor
/// broadcasting", send such factors between machines.)
final class GradientFactors: @unchecked Sendable {
    let layer: PlannedLayer
    let parameter: Parameter
    private let block: FloatBuffer
    /// `[batch, outputs]`
    private let outputGradients: MatrixView
    /// `[batch, inputs]`
    private let inputs: MatrixView
    private let usesOpenBLAS: Bool

    /// Whether they are worth it for a matrix of `outputs x inputs` weights: the factors of 32 images are no more than these.
    static func suit(outputs: Int, inputs: Int) -> Bool { outputs * inputs >= 32 * (outputs + inputs) }

    /// - Throws: `AllocationError` where memory runs out.
    init(_ parameter: Parameter, of layer: PlannedLayer, backend: Backend, batchSize: Int) throws {
        self.layer = layer
        self.parameter = parameter
        block = try FloatBuffer(count: GradientFactors.floats(parameter, batchSize: batchSize))
        let (outputs, inputs) = (parameter.shape[0], parameter.shape[1])
        let end = batchSize * GradientFactors.stride(outputs)
        outputGradients = block.view.slice(0..<end).matrix(
            rows: batchSize, columns: outputs, leadingDimension: GradientFactors.stride(outputs))
        self.inputs = block.view.slice(end..<block.count).matrix(
            rows: batchSize, columns: inputs, leadingDimension: GradientFactors.stride(inputs))
        usesOpenBLAS = backend == .gemm
    }

    /// Floats that the factors take.
    static func floats(_ parameter: Parameter, batchSize: Int) -> Int {
        batchSize * parameter.shape.reduce(0) { $0 + stride($1) }
    }

    /// An odd number of cache lines: what lies below each other falls on different sets of the cache.
    private static func stride(_ columns: Int) -> Int {
        FloatBuffer.alignment * (FloatBuffer.aligned(columns) / FloatBuffer.alignment | 1)
    }

    /// Where the factors of some images of the batch go.
    func rows(_ images: Range<Int>) -> (outputGradients: MatrixView, inputs: MatrixView) {
        (outputGradients.rows(images), inputs.rows(images))
    }

    /// Sets the factors of some images to zero, which contribute nothing then.
    func clear(_ images: Range<Int>) {
        let (outputGradients, inputs) = rows(images)
        outputGradients.fill(0)
        inputs.fill(0)
    }

    /// Sets `rows` of the gradient, in its place among those of all trained parameters, from the factors of so many images.
    ///
    /// - Parameter scratch: `DirectProduct.scratchCount` floats.
    func multiply(_ rows: Range<Int>, images: Int, into gradients: FloatView, scratch: FloatView) {
        let (outputGradients, inputs) = self.rows(0..<images)
        let result = gradients.slice(parameter.range)
            .matrix(rows: parameter.shape[0], columns: inputs.columns).rows(rows)
        let left = outputGradients.columns(rows).transposed
        if usesOpenBLAS {
            ApusKernels.multiply(left, inputs, into: result)
        } else {
            DirectProduct.multiply(left, .plain(inputs), into: result, last: true, scratch: scratch)
        }
        if rows.upperBound == parameter.shape[0] { gradients.slice(parameter.padding).fill(0) }
    }

    /// Fills the memory, to show that nothing is read before it is written.
    func poison(_ value: Float) { block.view.fill(value) }
}

/// Trained parameters whose gradients are reduced, and which then are moved, in one job.
package struct GradientRun: Sendable {
    /// Their floats among those of all trained parameters.
    package let range: Range<Int>
    /// What makes their gradient, and which rows of it they are; or lanes have it.
    var factors: (GradientFactors, rows: Range<Int>)?

    /// All trained parameters, in runs that are worth a job each and short enough to share among many threads.
    static func all(of network: Network, _ factored: [GradientFactors]) -> [GradientRun] {
        var runs: [GradientRun] = []
        for factors in factored {
            let parameter = factors.parameter
            let (rows, columns) = (parameter.shape[0], parameter.shape[1])
            // Whole tiles of products: an eighth of the rows, but enough for each time the inputs are read.
            let height = max(12, min(48, rows / 8 / 12 * 12))
            for row in stride(from: 0, to: rows, by: height) {
                let end = min(row + height, rows)
                let first = parameter.range.lowerBound
                let stop = end == rows ? parameter.padding.upperBound : first + end * columns
                runs.append(GradientRun(range: first + row * columns..<stop, factors: (factors, row..<end)))
            }
        }
        let length = 8192
        for start in stride(from: runs.last?.range.upperBound ?? 0, to: network.trainedFloats, by: length) {
            runs.append(GradientRun(range: start..<min(start + length, network.trainedFloats)))
        }
        return runs
    }
}
