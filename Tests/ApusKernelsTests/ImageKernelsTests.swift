import ApusKernels
import CVectorKernels
import Foundation
import TestSupport
import Testing

/// The loops over blocks of 16 images, on every instruction set against the portable ones: bit for bit on whole
/// numbers, whose sums no order of adding changes. Lanes beyond the images hold NaN.
@Suite("Image kernels")
struct ImageKernelsTests {
    static let paths = VectorKernelsTests.paths
    static let lanes = Int(apus_chunk)

    private func kernels(_ path: UInt32) -> apus_kernels {
        apus_kernels_for(apus_isa(rawValue: path)).pointee
    }

    /// `maps` of whole numbers, of so many images.
    private func block(_ maps: Int, images: Int, seed: UInt64) -> [Float] {
        integers(count: maps * Self.lanes, seed: seed).enumerated().map {
            $0 % Self.lanes < images ? $1 : .nan
        }
    }

    private func first(_ images: Int, of block: [Float]) -> [UInt32] {
        block.enumerated().filter { $0.offset % Self.lanes < images }.map(\.element.bitPattern)
    }

    @Test(
        "convolutions and their gradients are the same by every path", arguments: paths,
        [
            (28, 5, 2, 6), (10, 5, 0, 5), (13, 3, 1, 17), (9, 7, 3, 3), (6, 1, 0, 8), (5, 5, 4, 2),
            (31, 2, 0, 4),
        ])
    func convolution(path: UInt32, extent: (width: Int, kernel: Int, padding: Int, outputs: Int)) {
        let (width, height, channels, outputs) = (extent.width, 6, 2, extent.outputs)
        for (stride, dilation, images) in [(1, 1, 16), (2, 1, 9), (1, 2, 1), (3, 2, 15)] {
            let span = dilation * (extent.kernel - 1) + 1
            guard height + 2 * extent.padding >= span else { continue }
            func output(_ extent: Int, _ padding: Int) -> Int { (extent + 2 * padding - span) / stride + 1 }
            var sliding = apus_convolution(
                channels: channels, input_height: height, input_width: width, padding_height: extent.padding,
                padding_width: extent.padding, padded_height: 0, padded_width: 0,
                kernel_height: extent.kernel,
                kernel_width: extent.kernel, dilation_height: dilation, dilation_width: dilation,
                stride_height: stride, stride_width: stride, output_height: output(height, extent.padding),
                output_width: output(width, extent.padding))
            let (inputs, results) = (
                channels * height * width, outputs * sliding.output_height * sliding.output_width
            )
            let input = block(inputs, images: images, seed: 1)
            let gradient = block(results, images: images, seed: 2)
            let weights = integers(count: outputs * channels * extent.kernel * extent.kernel, seed: 3)
            let bias = integers(count: outputs, seed: 4)
            func computed(_ kernels: apus_kernels) -> [[UInt32]] {
                var output = [Float](repeating: .nan, count: results * Self.lanes)
                kernels.convolve_images(&sliding, outputs, input, weights, bias, true, &output)
                var inputGradient = [Float](repeating: 0.5, count: inputs * Self.lanes)
                kernels.convolve_images_input_gradient(
                    &sliding, outputs, gradient, weights, true, &inputGradient)
                var weightGradient = weights
                kernels.convolve_images_weight_gradient(
                    &sliding, outputs, images, input, gradient, &weightGradient)
                var sums = bias
                kernels.image_sums(outputs, results / outputs, images, gradient, &sums)
                return [
                    first(images, of: output), first(images, of: inputGradient),
                    weightGradient.map(\.bitPattern), sums.map(\.bitPattern),
                ]
            }
            let (actual, expected) = (computed(kernels(path)), computed(VectorKernelsTests.portable))
            #expect(actual == expected, "stride \(stride), dilation \(dilation), \(images) images")
            #expect(expected.allSatisfy { $0.allSatisfy { Float(bitPattern: $0).isFinite } })
        }
    }

    @Test(
        "poolings and their gradients are the same by every path", arguments: paths,
        [(2, 2, 0), (3, 3, 0), (3, 2, 1), (2, 3, 0)])
    func pooling(path: UInt32, window: (kernel: Int, stride: Int, padding: Int)) {
        let (side, channels) = (6, 2)
        let output = (side + 2 * window.padding - window.kernel) / window.stride + 1
        var sliding = apus_pooling(
            channels: channels, input_height: side, input_width: side, output_height: output,
            output_width: output, kernel_height: window.kernel, kernel_width: window.kernel,
            stride_height: window.stride, stride_width: window.stride, padding_height: window.padding,
            padding_width: window.padding)
        var input = integers(count: channels * side * side * Self.lanes, seed: 5, range: -3...3)
        input[5] = .nan
        let results = channels * output * output * Self.lanes
        for (flag, adds) in [(false, false), (true, true)] {
            func pooled(_ kernels: apus_kernels) -> ([UInt8], [UInt32]) {
                var maxima = [Float](repeating: 0, count: results)
                var means = maxima
                var places = [UInt8](repeating: 99, count: results)
                kernels.max_pool_images(&sliding, input, flag, &maxima, &places)
                kernels.average_pool_images(&sliding, input, flag, &means)
                var gradients = [[Float]](repeating: [Float](repeating: 0.5, count: input.count), count: 2)
                kernels.max_pool_images_gradient(&sliding, maxima, places, adds, &gradients[0])
                kernels.average_pool_images_gradient(&sliding, means, flag, adds, &gradients[1])
                return (places, ([maxima, means] + gradients).flatMap { $0.map(\.bitPattern) })
            }
            let (actual, expected) = (pooled(kernels(path)), pooled(VectorKernelsTests.portable))
            #expect(actual == expected)
            #expect(expected.0.allSatisfy { $0 < window.kernel * window.kernel || flag && $0 == 255 })
        }
    }

    @Test("dropout of an image is that of a run, by every path", arguments: paths, [1, 31, 64, 100])
    func dropout(path: UInt32, count: Int) {
        var random = apus_random(key: (7, 8), stream: (1, 2, 3))
        let values = uniformFloats(count: count, seed: 6)
        var run = [Float](repeating: 1, count: count)
        VectorKernelsTests.portable.dropout(&random, 0, count, 1 << 31, 2, true, values, &run)
        let spread = values.flatMap { [$0] + [Float](repeating: .nan, count: Self.lanes - 1) }
        var image = [Float](repeating: 1, count: spread.count)
        kernels(path).dropout_image(&random, count, 1 << 31, 2, true, spread, &image)
        expectEqual(first(1, of: image).map { Float(bitPattern: $0) }, run)
        #expect(image.filter { $0 == 1 }.count >= spread.count - count)
    }
}
