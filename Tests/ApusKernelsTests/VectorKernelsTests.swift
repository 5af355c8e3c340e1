import ApusKernels
import CVectorKernels
import TestSupport
import Testing

/// Every instruction set this processor has against the portable loops, bit for bit. The widest is what all
/// other tests run on.
@Suite("Vector kernels")
struct VectorKernelsTests {
    static let paths = [apus_isa_neon, apus_isa_avx2, apus_isa_avx512]
        .filter { $0.rawValue <= apus_widest_isa().rawValue }.map(\.rawValue)
    static let portable = apus_kernels_for(apus_isa_portable).pointee

    private func kernels(_ path: UInt32) -> apus_kernels {
        apus_kernels_for(apus_isa(rawValue: path)).pointee
    }

    @Test("the widest instruction set is no wider than APUS_ISA allows")
    func selection() {
        #expect(Machine.instructionSet.vectorBits >= 128)
        #expect(Machine.InstructionSet.portable < .avx2 && .avx2 < Machine.InstructionSet.avx512)
    }

    @Test("the instruction sets of this processor rise to its widest, and each can be measured")
    func instructionSets() {
        let sets = Machine.instructionSets
        #expect(sets.first == .portable && sets.last == Machine.instructionSet && sets == sets.sorted())
        for set in sets { #expect(Machine.measureFusedMultiplyAdd(set, seconds: 0.01) > 0.1) }
    }

    @Test("a step of Adam is the same by every path", arguments: paths, [0, 1, 16, 17, 100])
    func adam(path: UInt32, count: Int) {
        var step = apus_adam(
            gradient_scale: 0.7, weight_decay: 0.05, kept: 0.999, keep1: 0.9, take1: 0.1, keep2: 0.999,
            take2: 0.001, step_size: 0.01, inverse_root: 3, epsilon: 1e-8)
        let gradients = uniformFloats(count: count, seed: 1)
        func stepped(_ kernels: apus_kernels) -> [[Float]] {
            // What comes after the last is left alone.
            var parameters = uniformFloats(count: count, seed: 2) + [7]
            var first = uniformFloats(count: count, seed: 3) + [8]
            var second = uniformFloats(count: count, seed: 4).map { $0 * $0 } + [9]
            kernels.adam(&step, count, &parameters, gradients, &first, &second)
            return [parameters, first, second]
        }
        let results = stepped(kernels(path))
        #expect(results.map(\.last) == [7, 8, 9])
        for (result, portable) in zip(results, stepped(Self.portable)) { expectEqual(result, portable) }
    }

    @Test(
        "a matrix is transposed element by element", arguments: [apus_isa_portable.rawValue] + paths,
        [1, 8, 13, 33])
    func transposition(path: UInt32, rows: Int) {
        for columns in [1, 7, 8, 16, 29] {
            let (stride, transposedStride) = (columns + 3, rows + 2)
            let matrix = uniformFloats(count: rows * stride, seed: 1)
            var transposed = [Float](repeating: 7, count: columns * transposedStride)
            var expected = transposed
            for row in 0..<rows {
                for column in 0..<columns {
                    expected[column * transposedStride + row] = matrix[row * stride + column]
                }
            }
            kernels(path).transpose(rows, columns, matrix, stride, &transposed, transposedStride)
            expectEqual(transposed, expected)
        }
    }

    @Test("sums of blocks are the same by every path", arguments: paths, [1, 6, 13])
    func trees(path: UInt32, count: Int) {
        let size = 300
        func summed(_ kernels: apus_kernels) -> [Float] {
            var blocks = uniformFloats(count: count * size, seed: 1)
            kernels.add_tree(count, size, 3, 290, &blocks)
            return blocks
        }
        expectEqual(summed(kernels(path)), summed(Self.portable))
    }

    @Test(
        "columns are gathered and scattered the same by every path",
        arguments: paths, [(1, 1), (1, 3), (3, 4), (14, 5), (17, 3), (32, 2), (37, 7)])
    func columns(path: UInt32, extent: (width: Int, kernel: Int)) {
        for (stride, dilation, padding) in [(1, 1, 0), (1, 1, 2), (2, 1, 1), (1, 2, 3), (3, 2, 2)] {
            let span = dilation * (extent.kernel - 1) + 1
            guard extent.width + 2 * padding >= span else { continue }
            let output = (extent.width + 2 * padding - span) / stride + 1
            let padded = extent.width + 2 * padding
            var sliding = apus_convolution(
                channels: 3, input_height: extent.width, input_width: extent.width,
                padding_height: padding, padding_width: padding, padded_height: padded,
                padded_width: padded, kernel_height: extent.kernel, kernel_width: extent.kernel,
                dilation_height: dilation, dilation_width: dilation, stride_height: stride,
                stride_width: stride, output_height: output, output_width: output)
            let count = 3 * extent.kernel * extent.kernel * output * output
            let chunk = Int(apus_chunk)
            let planes = uniformFloats(count: 3 * padded * padded + chunk, seed: 1)
            let gradients = uniformFloats(count: count + 2 * chunk, seed: 2)
            func gathered(_ kernels: apus_kernels) -> [Float] {
                var columns = [Float](repeating: .nan, count: count + chunk)
                kernels.im2col(&sliding, planes, &columns)
                return Array(columns[..<count])
            }
            expectEqual(gathered(kernels(path)), gathered(Self.portable))
            for adds in [false, true] {
                func scattered(_ kernels: apus_kernels) -> [Float] {
                    var pixels = [Float](repeating: 0.5, count: 3 * extent.width * extent.width)
                    gradients.withUnsafeBufferPointer {
                        kernels.col2im(&sliding, $0.baseAddress! + chunk, adds, &pixels)
                    }
                    return pixels
                }
                expectEqual(scattered(kernels(path)), scattered(Self.portable))
            }
        }
    }

    @Test(
        "2x2 maxima and their places are the same by every path", arguments: paths, [4, 5, 7, 8, 9, 16, 21])
    func pooling(path: UInt32, width: Int) {
        let rows = 3
        var input = integers(count: 4 * rows * width, seed: 3, range: -3...3)
        input[5] = .nan
        func halved(_ kernels: apus_kernels) -> ([Float], [UInt8], [Float]) {
            var output = [Float](repeating: 0, count: rows * width)
            var places = [UInt8](repeating: 9, count: rows * width)
            kernels.max_pool_2x2(rows, width, input, &output, &places)
            var gradient = [Float](repeating: .nan, count: input.count)
            kernels.max_pool_2x2_gradient(rows, width, output, places, &gradient)
            return (output, places, gradient)
        }
        let (actual, expected) = (halved(kernels(path)), halved(Self.portable))
        #expect(actual.0.map(\.bitPattern) == expected.0.map(\.bitPattern))
        #expect(actual.1 == expected.1)
        #expect(actual.2.map(\.bitPattern) == expected.2.map(\.bitPattern))
        #expect(expected.1.allSatisfy { $0 < 4 })
    }

    @Test(
        "channels last, columns are gathered and scattered the same by every path",
        arguments: paths, [(1, 1), (3, 3), (5, 16), (2, 37)])
    func lastColumns(path: UInt32, extent: (kernel: Int, channels: Int)) {
        let (side, channels) = (9, extent.channels)
        for (stride, dilation, padding, margin) in [(1, 1, 1, 0), (2, 1, 0, 0), (1, 2, 2, 0), (2, 1, 1, 3)] {
            let output = (side + 2 * padding - dilation * (extent.kernel - 1) - 1) / stride + 1
            var sliding = apus_convolution(
                channels: channels, input_height: side, input_width: side, padding_height: padding,
                padding_width: padding, padded_height: 0, padded_width: 0, kernel_height: extent.kernel,
                kernel_width: extent.kernel, dilation_height: dilation, dilation_width: dilation,
                stride_height: stride, stride_width: stride, output_height: output, output_width: output)
            let image = uniformFloats(count: side * side * (channels + margin), seed: 1)
            let (first, pixels) = (output + 1, output * output - output - 1)
            let count = pixels * extent.kernel * extent.kernel * channels
            let gradients = uniformFloats(count: count, seed: 2)
            func moved(_ kernels: apus_kernels) -> [[Float]] {
                // What is not written is the same too.
                var columns = [Float](repeating: -2, count: count + pixels * margin)
                kernels.im2col_last(
                    &sliding, image, channels + margin, first, pixels, &columns, count / pixels + margin)
                var sums = image
                kernels.col2im_last(&sliding, gradients, first, pixels, &sums, channels + margin)
                return [columns, sums]
            }
            let (actual, expected) = (moved(kernels(path)), moved(Self.portable))
            expectEqual(actual[0], expected[0])
            expectEqual(actual[1], expected[1])
        }
    }

    @Test(
        "channels last, maxima are the same by every path, their places wanted or not, in one call or two",
        arguments: paths, [(1, 8), (15, 9), (16, 8), (16, 9), (16, 10), (32, 9), (40, 8)])
    func lastPooling(path: UInt32, extent: (channels: Int, side: Int)) {
        let (channels, side, output) = (extent.channels, extent.side, 4)
        var sliding = apus_pooling(
            channels: channels, input_height: side, input_width: side, output_height: output,
            output_width: output, kernel_height: 3, kernel_width: 3, stride_height: 2, stride_width: 2,
            padding_height: 0, padding_width: 0)
        var input = integers(count: side * side * channels, seed: 3, range: -3...3)
        input[5] = .nan
        func pooled(_ kernels: apus_kernels, rectified: Bool = false) -> ([UInt32], [UInt8], [UInt32]) {
            var maxima = [Float](repeating: 0, count: output * output * channels)
            var places = [UInt8](repeating: 99, count: maxima.count)
            kernels.max_pool_last(&sliding, 0, output, input, channels, rectified, &maxima, channels, &places)
            for part in [0..<1, 1..<output] {
                let first = part.lowerBound * output * channels
                var (some, somePlaces) = (maxima, places)
                for index in first..<part.upperBound * output * channels {
                    (some[index], somePlaces[index]) = (0, 99)
                }
                some.withUnsafeMutableBufferPointer { some in
                    somePlaces.withUnsafeMutableBufferPointer { places in
                        kernels.max_pool_last(
                            &sliding, part.lowerBound, part.count, input, channels, rectified,
                            some.baseAddress! + first, channels, places.baseAddress! + first)
                    }
                }
                #expect(some.map(\.bitPattern) == maxima.map(\.bitPattern))
                #expect(somePlaces == places)
            }
            var gradient = [Float](repeating: 0.5, count: input.count)
            kernels.max_pool_last_gradient(
                &sliding, 0, sliding.input_height, maxima, channels, places, true, &gradient, channels)
            return (maxima.map(\.bitPattern), places, gradient.map(\.bitPattern))
        }
        let (actual, expected) = (pooled(kernels(path)), pooled(Self.portable))
        #expect(actual == expected)
        #expect(expected.1.allSatisfy { $0 < 9 })
        let above = pooled(kernels(path), rectified: true)
        #expect(above.0 == expected.0)
        for (place, (maximum, known)) in zip(above.1, zip(expected.0, expected.1)) {
            #expect(place == (Float(bitPattern: maximum) > 0 ? known : 255))
        }
        var maxima = [Float](repeating: 0, count: output * output * channels)
        kernels(path).max_pool_last(
            &sliding, 0, sliding.output_height, input, channels, false, &maxima, channels, nil)
        for (maximum, bits) in zip(maxima, expected.0) {
            #expect(maximum.bitPattern == bits || maximum.isNaN && Float(bitPattern: bits).isNaN)
        }
        #expect(maxima.contains { $0.isNaN })
    }

    /// Whole numbers: every sum is exact.
    @Test(
        "the gradient of weights is the sum of the columns of maxima",
        arguments: paths + [apus_isa_portable.rawValue], [16, 32, 48, 64, 80, 112, 176, 192, 512])
    func maximaGradient(path: UInt32, depth: Int) {
        for (kernel, stride, padding, output) in [(3, 2, 0, 9), (2, 2, 1, 5), (2, 3, 0, 40), (3, 1, 1, 7)] {
            let channels = 19
            let width = (output - 1) * stride + kernel - 2 * padding
            var sliding = apus_pooling(
                channels: channels, input_height: kernel, input_width: width, output_height: 1,
                output_width: output, kernel_height: kernel, kernel_width: kernel, stride_height: stride,
                stride_width: stride, padding_height: 0, padding_width: padding)
            let columns = integers(count: kernel * width * depth, seed: 1)
            let gradient = integers(count: output * channels, seed: 2)
            var weights = integers(count: channels * depth, seed: 3)
            var expected = weights
            var places = [UInt8](repeating: 0, count: output * channels)
            for window in 0..<output {
                for channel in 0..<channels {
                    let at = window * channels + channel
                    let (y, x) = (at % kernel, at / 7 % kernel)
                    let column = min(max(window * stride - padding + x, 0), width - 1)
                    places[at] = UInt8(y * kernel + column - window * stride + padding)
                    for k in 0..<depth {
                        expected[channel * depth + k] +=
                            gradient[at] * columns[(y * width + column) * depth + k]
                    }
                }
            }
            kernels(path).maxima_weight_gradient(
                &sliding, depth, columns, gradient, channels, places, &weights)
            expectEqual(weights, expected, "\(kernel)x\(kernel) by \(stride), padding \(padding)")
        }
    }

    @Test(
        "sums of columns and dropout are the same by every path", arguments: paths,
        [(0, 31), (5, 64), (32, 96), (3, 1)])
    func sumsAndDropout(path: UInt32, run: (first: Int, count: Int)) {
        var random = apus_random(key: (7, 8), stream: (1, 2, 3))
        let values = uniformFloats(count: 4 * run.count, seed: 6)
        func results(_ kernels: apus_kernels) -> [UInt32] {
            var dropped = values
            kernels.dropout(&random, run.first, run.count, 1 << 31, 2, true, values, &dropped)
            var sums = [Float](repeating: 1, count: run.count)
            kernels.column_sums(4, run.count, values, run.count, &sums)
            return (dropped + sums).map(\.bitPattern)
        }
        #expect(results(kernels(path)) == results(Self.portable))
    }

    @Test("ReLU and its gradient are the same by every path", arguments: paths, [1, 15, 16, 17, 100])
    func rectifier(path: UInt32, count: Int) {
        var input = uniformFloats(count: count, seed: 4)
        input[0] = .nan
        let gradient = uniformFloats(count: count, seed: 5)
        func rectified(_ kernels: apus_kernels) -> [UInt32] {
            var output = [Float](repeating: 7, count: count)
            // Two rows, the second a copy of half of the first.
            kernels.relu(1, count, input, count, &output, count)
            var passed = [Float](repeating: 7, count: 2 * count)
            kernels.relu_gradient(
                2, count - count / 2, gradient, count / 2, 3, output, count / 2, &passed, count)
            kernels.fill(count, 0.25, &output)
            return (output + passed).map(\.bitPattern)
        }
        #expect(rectified(kernels(path)) == rectified(Self.portable))
    }
}
