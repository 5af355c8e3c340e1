import ApusKernels
import ReferenceKernels
import Testing

/// A convolution of the grid, said once for the kernels and the reference.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
    var batch = 3
    var input = ReferenceExtent(10, 13)
    var inputChannels = 12
    var outputChannels = 18
    var kernel: ReferenceExtent
    var stride: ReferenceExtent = 1
    var padding: ReferenceExtent = 0
    var dilation: ReferenceExtent = 1
    var groups = 1
    /// Whether the input comes from a ReLU, so that most of it is zero.
    var isRectified = false

    var reference: ReferenceConvolution {
        ReferenceConvolution(stride: stride, padding: padding, dilation: dilation, groups: groups)
    }

    func integerInput(seed: UInt64) -> ReferenceTensor<Float> {
        let input = integerTensor(inputShape, seed: seed)
        return isRectified
            ? ReferenceTensor(shape: inputShape, values: input.values.map { max($0, 0) }) : input
    }

    var inputShape: [Int] { [batch, inputChannels, input.height, input.width] }
    var weightShape: [Int] { [outputChannels, inputChannels / groups, kernel.height, kernel.width] }

    var outputShape: [Int] {
        let extent = reference.outputExtent(input: input, kernel: kernel)
        return [batch, outputChannels, extent.height, extent.width]
    }

    var geometry: ConvolutionGeometry {
        let output = outputShape
        return ConvolutionGeometry(
            input: Shape(height: input.height, width: input.width, channels: inputChannels),
            output: Shape(height: output[2], width: output[3], channels: outputChannels),
            kernel: extent(kernel), stride: extent(stride), dilation: extent(dilation),
            padding: extent(padding), groups: groups)
    }

    private func extent(_ extent: ReferenceExtent) -> ConvolutionGeometry.Extent {
        .init(height: extent.height, width: extent.width)
    }

    var testDescription: String {
        func text(_ extent: ReferenceExtent) -> String { "\(extent.height)x\(extent.width)" }
        return "\(inputChannels)->\(outputChannels) kernel \(text(kernel)) on \(text(input)) stride "
            + "\(text(stride)) padding \(text(padding)) dilation \(text(dilation)) groups \(groups)"
            + (isRectified ? ", rectified" : "")
    }

    /// Kernel x stride x padding x dilation x groups, on a plane that is not square.
    static let grid: [ConvolutionCase] = {
        var cases: [ConvolutionCase] = []
        for kernel in [1, 3, ReferenceExtent(5, 2), ReferenceExtent(1, 7)] {
            for stride in [1, ReferenceExtent(2, 3)] {
                for padding in [0, ReferenceExtent(2, 1)] {
                    for dilation in [1, ReferenceExtent(1, 2), ReferenceExtent(2, 1)] {
                        for groups in [1, 2, 6] {
                            cases.append(
                                ConvolutionCase(
                                    kernel: kernel, stride: stride, padding: padding, dilation: dilation,
                                    groups: groups))
                        }
                    }
                }
            }
        }
        return cases
    }()

    static let special: [ConvolutionCase] = [
        // One channel in and one out, as at the front of LeNet; an image as small as its kernel.
        ConvolutionCase(input: 8, inputChannels: 1, outputChannels: 1, kernel: 5, padding: 2),
        ConvolutionCase(input: ReferenceExtent(5, 4), inputChannels: 3, kernel: ReferenceExtent(5, 4)),
        // More images than share a block of memory, the last block all but empty.
        ConvolutionCase(
            batch: 33, input: ReferenceExtent(6, 11), inputChannels: 4, outputChannels: 6, kernel: 5,
            padding: 2,
            groups: 2),
        // Sums over so many pixels that they are cut.
        ConvolutionCase(
            batch: 1, input: ReferenceExtent(40, 61), inputChannels: 1, outputChannels: 2, kernel: 3,
            padding: 1),
        // A group for each channel, with one and with two outputs.
        ConvolutionCase(outputChannels: 12, kernel: 3, padding: 1, groups: 12),
        ConvolutionCase(outputChannels: 24, kernel: 3, stride: 2, padding: 1, groups: 12),
        // Padding so wide that rows and columns of output see nothing but zeros.
        ConvolutionCase(input: ReferenceExtent(3, 4), kernel: 2, stride: 3, padding: ReferenceExtent(5, 7)),
        // So few columns that a copy in whole vectors reaches beyond the last from far before it.
        ConvolutionCase(input: 1, inputChannels: 1, outputChannels: 2, kernel: 1, padding: 1),
        ConvolutionCase(
            input: ReferenceExtent(5, 2), inputChannels: 1, outputChannels: 2, kernel: ReferenceExtent(1, 2)),
        ConvolutionCase(
            input: ReferenceExtent(6, 4), inputChannels: 2, outputChannels: 2, kernel: 3,
            padding: ReferenceExtent(1, 0), groups: 2),
        // Rows wider than a vector, or than two, by little or much.
        ConvolutionCase(
            input: ReferenceExtent(3, 33), inputChannels: 2, outputChannels: 2, kernel: 3, padding: 1),
        ConvolutionCase(
            input: ReferenceExtent(3, 31), inputChannels: 2, outputChannels: 2, kernel: 3,
            padding: ReferenceExtent(1, 20)),
        ConvolutionCase(
            input: ReferenceExtent(4, 40), inputChannels: 2, outputChannels: 2, kernel: 3, stride: 2,
            padding: 1, dilation: ReferenceExtent(1, 3)),
        // Products so deep, or pixels so many, that channels last cuts the output into several tiles; and deeper than a panel.
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(12, 15), inputChannels: 48, outputChannels: 5, kernel: 5,
            padding: 2),
        ConvolutionCase(
            batch: 5, input: ReferenceExtent(9, 11), inputChannels: 2048, outputChannels: 3, kernel: 1),
        ConvolutionCase(
            batch: 5, input: ReferenceExtent(9, 11), inputChannels: 2048, outputChannels: 6, kernel: 1,
            groups: 2),
        // Weights wide both ways, with and without zeros to leave out, and windows whose rows overlap.
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(7, 9), inputChannels: 256, outputChannels: 300, kernel: 1,
            isRectified: true),
        ConvolutionCase(batch: 2, input: 4, inputChannels: 256, outputChannels: 256, kernel: 1),
        ConvolutionCase(batch: 2, input: 4, inputChannels: 256, outputChannels: 512, kernel: 1, groups: 2),
        ConvolutionCase(
            batch: 2, input: 4, inputChannels: 512, outputChannels: 512, kernel: 1, groups: 2,
            isRectified: true),
        ConvolutionCase(batch: 2, input: 5, inputChannels: 256, outputChannels: 256, kernel: 1, stride: 2),
        ConvolutionCase(batch: 1, input: 4, inputChannels: 128, outputChannels: 256, kernel: 2),
    ]
}
