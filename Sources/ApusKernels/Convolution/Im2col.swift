/// The lowering of convolution to a matrix product (Chellapilla, Puri and Simard, 2006, "High Performance
/// Convolutional Neural Networks for Document Processing"), one image and group at a time.
///
/// Channels first, the column matrix is `[channel * kernel height * kernel width, output pixels]`;
/// channels last it is `[output pixels, kernel height * kernel width * channel]`. `col2im` is the adjoint
/// of `im2col`: it adds each element of the columns to the pixel it was read from.
package enum Im2col {
    /// Columns of one group's planes, from input pixels to `columns`.
    package static func gather(
        _ geometry: ConvolutionGeometry, from planes: MatrixView, into columns: MatrixView
    ) {
        unsafe forEachPlaneRow(geometry, planes, columns) { pixels, row, span, stride in
            unsafe row.update(repeating: 0, count: span.lowerBound)
            let count = span.count
            let target = unsafe row + span.lowerBound
            if stride == 1 {
                for index in 0..<count { unsafe target[index] = pixels[index] }
            } else {
                for index in 0..<count { unsafe target[index] = pixels[index * stride] }
            }
            unsafe (row + span.upperBound).update(
                repeating: 0, count: geometry.output.width - span.upperBound)
        } outside: { row in
            unsafe row.update(repeating: 0, count: geometry.output.width)
        }
    }

    /// Adds one group's columns to the pixels they were read from.
    package static func scatterAdd(
        _ geometry: ConvolutionGeometry, from columns: MatrixView, into planes: MatrixView
    ) {
        unsafe forEachPlaneRow(geometry, planes, columns) { pixels, row, span, stride in
            let count = span.count
            let source = unsafe row + span.lowerBound
            if stride == 1 {
                for index in 0..<count { unsafe pixels[index] += source[index] }
            } else {
                for index in 0..<count { unsafe pixels[index * stride] += source[index] }
            }
        } outside: { _ in
        }
    }

    /// Walks the rows of the column matrix in pieces of one output row. `inside` gets the input pixel that
    /// the first output column of `span` reads, the output row, and the span of its columns that read
    /// inside the image.
    @inline(__always) @unsafe
    private static func forEachPlaneRow(
        _ geometry: ConvolutionGeometry, _ planes: MatrixView, _ columns: MatrixView,
        inside: (
            _ pixels: UnsafeMutablePointer<Float>, _ row: UnsafeMutablePointer<Float>,
            _ span: Range<Int>, _ stride: Int
        ) -> Void,
        outside: (_ row: UnsafeMutablePointer<Float>) -> Void
    ) {
        let (input, output) = (geometry.input, geometry.output)
        precondition(planes.rows == geometry.groupInputChannels && planes.columns == input.pixels
            && columns.rows == geometry.depth && columns.columns == output.pixels)
        var columnRow = 0
        for channel in 0..<geometry.groupInputChannels {
            let plane = unsafe planes.base + channel * planes.leadingDimension
            for tapY in 0..<geometry.kernel.height {
                for tapX in 0..<geometry.kernel.width {
                    let left = tapX * geometry.dilation.width - geometry.padding.width
                    let span = validSpan(
                        offset: left, stride: geometry.stride.width, input: input.width,
                        output: output.width)
                    let rows = unsafe columns.base + columnRow * columns.leadingDimension
                    columnRow += 1
                    for outputY in 0..<output.height {
                        let row = unsafe rows + outputY * output.width
                        let inputY = outputY * geometry.stride.height + tapY * geometry.dilation.height
                            - geometry.padding.height
                        guard inputY >= 0 && inputY < input.height && !span.isEmpty else {
                            unsafe outside(row)
                            continue
                        }
                        let first = left + span.lowerBound * geometry.stride.width
                        unsafe inside(
                            plane + inputY * input.width + first, row, span, geometry.stride.width)
                    }
                }
            }
        }
    }

    /// The output places whose input place `offset + place * stride` lies in 0..<input.
    static func validSpan(offset: Int, stride: Int, input: Int, output: Int) -> Range<Int> {
        let first = offset >= 0 ? 0 : (-offset + stride - 1) / stride
        let end = offset >= input ? 0 : (input - offset + stride - 1) / stride
        let upper = min(output, end)
        return min(first, upper)..<upper
    }

    /// Columns of a run of output pixels of one group, from an image with channels last.
    package static func gather(
        _ geometry: ConvolutionGeometry, from image: MatrixView, firstPixel: Int, into columns: MatrixView
    ) {
        unsafe forEachTap(geometry, image, firstPixel: firstPixel, columns) { pixel, column in
            if let pixel = unsafe pixel {
                for channel in 0..<geometry.groupInputChannels { unsafe column[channel] = pixel[channel] }
            } else {
                unsafe column.update(repeating: 0, count: geometry.groupInputChannels)
            }
        }
    }

    /// Adds the columns of a run of output pixels to an image with channels last.
    package static func scatterAdd(
        _ geometry: ConvolutionGeometry, from columns: MatrixView, firstPixel: Int, into image: MatrixView
    ) {
        unsafe forEachTap(geometry, image, firstPixel: firstPixel, columns) { pixel, column in
            guard let pixel = unsafe pixel else { return }
            for channel in 0..<geometry.groupInputChannels { unsafe pixel[channel] += column[channel] }
        }
    }

    /// Walks the taps of each output pixel; `body` gets the input pixel, or nil outside the image, and its
    /// place in the columns.
    @inline(__always) @unsafe
    private static func forEachTap(
        _ geometry: ConvolutionGeometry, _ image: MatrixView, firstPixel: Int, _ columns: MatrixView,
        body: (_ pixel: UnsafeMutablePointer<Float>?, _ column: UnsafeMutablePointer<Float>) -> Void
    ) {
        let (input, output) = (geometry.input, geometry.output)
        precondition(image.rows == input.pixels && image.columns == geometry.groupInputChannels
            && columns.columns == geometry.depth && firstPixel + columns.rows <= output.pixels)
        for index in 0..<columns.rows {
            let (outputY, outputX) = (firstPixel + index).quotientAndRemainder(dividingBy: output.width)
            let top = outputY * geometry.stride.height - geometry.padding.height
            let left = outputX * geometry.stride.width - geometry.padding.width
            var column = unsafe columns.base + index * columns.leadingDimension
            for tapY in 0..<geometry.kernel.height {
                let y = top + tapY * geometry.dilation.height
                for tapX in 0..<geometry.kernel.width {
                    let x = left + tapX * geometry.dilation.width
                    let inside = y >= 0 && y < input.height && x >= 0 && x < input.width
                    unsafe body(
                        inside ? image.base + (y * input.width + x) * image.leadingDimension : nil, column)
                    unsafe column += geometry.groupInputChannels
                }
            }
        }
    }
}
