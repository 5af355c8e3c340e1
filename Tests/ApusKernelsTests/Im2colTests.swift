import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite struct Im2colTests {
    /// All of one group but those that read the activations themselves, and so need no columns.
    static let cases: [ConvolutionCase] = {
        let narrow = ConvolutionCase.grid.filter { $0.groups == 1 }.map { wide in
            var convolution = wide
            convolution.inputChannels = 3
            return convolution
        }
        return (narrow + ConvolutionCase.special).filter {
            $0.groups == 1 && $0.inputChannels <= 3
                && $0.geometry.scratchCount(.channelsFirst, algorithm: .gemm) > 0
        }
    }()

    /// Channels first: `[channel * taps, pixels]`.
    @Test(arguments: cases)
    func planesAreGatheredAndScattered(convolution: ConvolutionCase) {
        let geometry = convolution.geometry
        let (reference, kernel, input) = (convolution.reference, convolution.kernel, convolution.input)
        let channels = convolution.inputChannels
        let image = integers(count: geometry.input.count, seed: 1)
        let entries = integers(count: geometry.depth * geometry.output.pixels, seed: 2)
        let old = integers(count: geometry.input.count, seed: 3)
        withMemory { memory in
            let scratch = memory.view(count: geometry.scratchCount(.channelsFirst, algorithm: .gemm))
            let columns = Im2col.columns(geometry, in: scratch)
            Im2col.gather(geometry, from: planes(memory.view(image), geometry), scratch: scratch)
            let gathered = reference.im2col(image, channels: channels, input: input, kernel: kernel)
            expectEqual(elements(of: columns, memory), gathered)

            let scattered = reference.col2im(entries, channels: channels, input: input, kernel: kernel)
            for adds in [true, false] {
                scratch.fill(.nan)
                set(columns, to: entries, memory)
                let sums = adds ? memory.view(old) : memory.view(count: old.count)
                Im2col.scatter(geometry, scratch: scratch, into: planes(sums, geometry), adding: adds)
                expectEqual(
                    sums.array, adds ? zip(scattered, old).map { $0 + $1 } : scattered, "adds \(adds)")
            }
        }
    }

    /// `<im2col x, c> = <x, col2im c>`, in both layouts that have it, a run of pixels at a time when channels are
    /// last.
    @Test(arguments: cases, [Layout.channelsFirst, .channelsLast])
    func scatteringIsTheAdjointOfGathering(convolution: ConvolutionCase, layout: Layout) {
        let geometry = convolution.geometry
        let pixels = geometry.output.pixels
        let image = integers(count: geometry.input.count, seed: 1)
        let entries = integers(count: geometry.depth * pixels, seed: 2)
        withMemory { memory in
            let x = memory.view(image)
            let scattered = memory.view([Float](repeating: 0, count: image.count))
            let read: [Float]
            if layout == .channelsFirst {
                let scratch = memory.view(count: geometry.scratchCount(.channelsFirst, algorithm: .gemm))
                let columns = Im2col.columns(geometry, in: scratch)
                Im2col.gather(geometry, from: planes(x, geometry), scratch: scratch)
                read = elements(of: columns, memory)
                set(columns, to: entries, memory)
                Im2col.scatter(geometry, scratch: scratch, into: planes(scattered, geometry), adding: false)
            } else {
                let (c, gathered) = (memory.view(entries), memory.view(count: entries.count))
                let map = { (view: FloatView) in
                    view.matrix(rows: geometry.input.pixels, columns: geometry.input.channels)
                }
                let cuts = [0, pixels / 3, pixels]
                for (first, end) in zip(cuts, cuts.dropFirst()) {
                    let rows = { (view: FloatView) in
                        view.slice(first * geometry.depth..<end * geometry.depth)
                            .matrix(rows: end - first, columns: geometry.depth)
                    }
                    Im2col.gather(geometry, from: map(x), firstPixel: first, into: rows(gathered))
                    Im2col.scatterAdd(geometry, from: rows(c), firstPixel: first, into: map(scattered))
                }
                read = gathered.array
            }
            #expect(dot(read, entries) == dot(image, scattered.array))
            // A matrix of padding alone would be adjoint to nothing: something must have been read.
            #expect(read.contains { $0 != 0 })
        }
    }

    private func planes(_ view: FloatView, _ geometry: ConvolutionGeometry) -> MatrixView {
        view.matrix(rows: geometry.input.channels, columns: geometry.input.pixels)
    }

    // Matrices are read and written through their transposes.

    private func elements(of matrix: MatrixView, _ memory: Memory) -> [Float] {
        let count = matrix.rows * matrix.columns
        let turned = memory.view(count: count).matrix(rows: matrix.columns, columns: matrix.rows)
        let values = memory.view(count: count)
        matrix.transpose(into: turned)
        turned.transpose(into: values.matrix(rows: matrix.rows, columns: matrix.columns))
        return values.array
    }

    private func set(_ matrix: MatrixView, to values: [Float], _ memory: Memory) {
        let turned = memory.view(count: values.count).matrix(rows: matrix.columns, columns: matrix.rows)
        memory.view(values).matrix(rows: matrix.rows, columns: matrix.columns).transpose(into: turned)
        turned.transpose(into: matrix)
    }

    private func dot(_ first: [Float], _ second: [Float]) -> Float {
        zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
