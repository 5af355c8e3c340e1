extension ReferenceConvolution {
    /// The columns of one image `[channels, height, width]`: the matrix `[channels * kernel height * kernel
    /// width, output rows * output columns]` whose column p holds the inputs that the kernel covers at output
    /// pixel p, zero where it reaches into the padding.
    @inlinable
    public func im2col<Scalar: BinaryFloatingPoint>(
        _ image: [Scalar], channels: Int, input: ReferenceExtent, kernel: ReferenceExtent
    ) -> [Scalar] {
        precondition(
            image.count == channels * input.height * input.width, "the image does not fill its shape")
        let output = outputExtent(input: input, kernel: kernel)
        let rows = channels * kernel.height * kernel.width
        var columns = [Scalar](repeating: 0, count: rows * output.height * output.width)
        forEachColumnEntry(channels: channels, input: input, kernel: kernel) { pixel, place in
            columns[place] = image[pixel]
        }
        return columns
    }

    /// The transpose of `im2col`: each entry of the columns added to the input pixel that it came from.
    @inlinable
    public func col2im<Scalar: BinaryFloatingPoint>(
        _ columns: [Scalar], channels: Int, input: ReferenceExtent, kernel: ReferenceExtent
    ) -> [Scalar] {
        let output = outputExtent(input: input, kernel: kernel)
        let rows = channels * kernel.height * kernel.width
        precondition(
            columns.count == rows * output.height * output.width, "the columns do not fill their shape")
        var image = [Scalar](repeating: 0, count: channels * input.height * input.width)
        forEachColumnEntry(channels: channels, input: input, kernel: kernel) { pixel, place in
            image[pixel] += columns[place]
        }
        return image
    }

    /// Calls `body` with the place of each pixel in the image and of its copy in the columns.
    @inlinable
    func forEachColumnEntry(
        channels: Int, input: ReferenceExtent, kernel: ReferenceExtent,
        _ body: (_ pixel: Int, _ place: Int) -> Void
    ) {
        let output = outputExtent(input: input, kernel: kernel)
        for c in 0..<channels {
            for i in 0..<kernel.height {
                for j in 0..<kernel.width {
                    let matrixRow = (c * kernel.height + i) * kernel.width + j
                    for y in 0..<output.height {
                        let row = y * stride.height - padding.height + i * dilation.height
                        guard 0..<input.height ~= row else { continue }
                        for x in 0..<output.width {
                            let column = x * stride.width - padding.width + j * dilation.width
                            guard 0..<input.width ~= column else { continue }
                            body(
                                (c * input.height + row) * input.width + column,
                                (matrixRow * output.height + y) * output.width + x)
                        }
                    }
                }
            }
        }
    }
}
