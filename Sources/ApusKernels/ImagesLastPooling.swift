import CVectorKernels

/// Pooling where images are last, a block of them at a time.
extension Pooling {
    // Places lie in the output's order, a byte for each of its floats.

    static func maximumOfImages(
        _ geometry: PoolingGeometry, _ input: Tensor, _ rectified: Bool, _ places: ByteView, _ output: Tensor
    ) {
        var sliding = geometry.sliding
        for block in 0..<input.rows {
            unsafe VectorKernels.current.max_pool_images(
                &sliding, input.base + block * input.rowStride, rectified,
                output.base + block * output.rowStride, places.base + block * output.rowLength)
        }
    }

    static func maximumGradientOfImages(
        _ geometry: PoolingGeometry, _ outputGradient: Tensor, _ places: ByteView, _ adds: Bool,
        _ target: Tensor
    ) {
        var sliding = geometry.sliding
        for block in 0..<target.rows {
            unsafe VectorKernels.current.max_pool_images_gradient(
                &sliding, outputGradient.base + block * outputGradient.rowStride,
                places.base + block * outputGradient.rowLength, adds, target.base + block * target.rowStride)
        }
    }

    static func averageOfImages(
        _ geometry: PoolingGeometry, _ countsPadding: Bool, _ input: Tensor, _ output: Tensor
    ) {
        var sliding = geometry.sliding
        for block in 0..<input.rows {
            unsafe VectorKernels.current.average_pool_images(
                &sliding, input.base + block * input.rowStride, countsPadding,
                output.base + block * output.rowStride)
        }
    }

    static func averageGradientOfImages(
        _ geometry: PoolingGeometry, _ countsPadding: Bool, _ outputGradient: Tensor, _ adds: Bool,
        _ target: Tensor
    ) {
        var sliding = geometry.sliding
        for block in 0..<target.rows {
            unsafe VectorKernels.current.average_pool_images_gradient(
                &sliding, outputGradient.base + block * outputGradient.rowStride, countsPadding, adds,
                target.base + block * target.rowStride)
        }
    }
}
