import CVectorKernels

/// The lowering of convolution to a matrix product (Chellapilla, Puri and Simard, 2006, "High Performance
/// Convolutional Neural Networks for Document Processing"), one image and group at a time.
///
/// Channels first, the column matrix is `[channel * kernel height * kernel width, output pixels]`;
/// channels last it is `[output pixels, kernel height * kernel width * channel]`. `col2im` is the adjoint
/// of `im2col`: it adds each element of the columns to the pixel it was read from.
package enum Im2col {
    /// Floats moved at a time, channels first: columns have so many to spare on either side.
    static let chunk = Int(apus_chunk)

    /// Where one group's columns lie in a convolution's scratch, channels first.
    package static func columns(_ geometry: ConvolutionGeometry, in scratch: FloatView) -> MatrixView {
        scratch.slice(chunk..<scratch.count)
            .matrix(rows: geometry.depth, columns: geometry.output.pixels)
    }

    /// Writes the columns of one group's planes to their place in `scratch`.
    package static func gather(
        _ geometry: ConvolutionGeometry, from planes: MatrixView, scratch: FloatView
    ) {
        check(geometry, planes, scratch)
        let padded = scratch.slice(geometry.columnFloats..<scratch.count)
        pad(geometry, planes, into: padded)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.im2col(
            &sliding, padded.base, columns(geometry, in: scratch).base)
    }

    /// Sets each pixel of one group's planes to the sum of its columns in `scratch`, or adds that.
    package static func scatter(
        _ geometry: ConvolutionGeometry, scratch: FloatView, into planes: MatrixView, adding: Bool
    ) {
        check(geometry, planes, scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.col2im(
            &sliding, columns(geometry, in: scratch).base, adding, planes.base)
    }

    /// Writes the planes with zeros around them.
    private static func pad(
        _ geometry: ConvolutionGeometry, _ planes: MatrixView, into padded: FloatView
    ) {
        let (input, extent) = (geometry.input, geometry.padded)
        let count = geometry.groupInputChannels * input.pixels
        guard extent != ConvolutionGeometry.Extent(height: input.height, width: input.width) else {
            unsafe padded.base.update(from: planes.base, count: count)
            return
        }
        padded.fill(0)
        var row = unsafe planes.base
        for channel in 0..<geometry.groupInputChannels {
            var paddedRow =
                unsafe padded.base
                + (channel * extent.height + geometry.padding.height) * extent.width
                + geometry.padding.width
            for _ in 0..<input.height {
                unsafe paddedRow.update(from: row, count: input.width)
                unsafe row += input.width
                unsafe paddedRow += extent.width
            }
        }
    }

    private static func check(
        _ geometry: ConvolutionGeometry, _ planes: MatrixView, _ scratch: FloatView
    ) {
        precondition(
            planes.rows == geometry.groupInputChannels && planes.columns == geometry.input.pixels
                && planes.leadingDimension == planes.columns
                && scratch.count >= geometry.scratchCount(.channelsFirst, algorithm: .gemm))
    }

    /// Columns of a run of output pixels of one group, rows of a matrix with or without gaps, from an image with channels last.
    package static func gather(
        _ geometry: ConvolutionGeometry, from image: MatrixView, firstPixel: Int, into columns: MatrixView
    ) {
        check(geometry, image, firstPixel: firstPixel, columns)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.im2col_last(
            &sliding, image.base, image.leadingDimension, firstPixel, columns.rows, columns.base,
            columns.leadingDimension)
    }

    /// Adds the columns of a run of output pixels to an image with channels last.
    package static func scatterAdd(
        _ geometry: ConvolutionGeometry, from columns: MatrixView, firstPixel: Int, into image: MatrixView
    ) {
        check(geometry, image, firstPixel: firstPixel, columns)
        precondition(columns.leadingDimension == geometry.depth)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.col2im_last(
            &sliding, columns.base, firstPixel, columns.rows, image.base, image.leadingDimension)
    }

    private static func check(
        _ geometry: ConvolutionGeometry, _ image: MatrixView, firstPixel: Int, _ columns: MatrixView
    ) {
        precondition(
            image.rows == geometry.input.pixels && image.columns == geometry.groupInputChannels
                && columns.columns == geometry.depth && !columns.isTransposed && firstPixel >= 0
                && firstPixel + columns.rows <= geometry.output.pixels)
    }
}

extension ConvolutionGeometry {
    var sliding: apus_convolution {
        apus_convolution(
            channels: groupInputChannels, input_height: input.height, input_width: input.width,
            padding_height: padding.height, padding_width: padding.width, padded_height: padded.height,
            padded_width: padded.width,
            kernel_height: kernel.height, kernel_width: kernel.width,
            dilation_height: dilation.height, dilation_width: dilation.width,
            stride_height: stride.height, stride_width: stride.width,
            output_height: output.height, output_width: output.width)
    }
}
