import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite struct Im2colTests {
    static let cases = ConvolutionCase.grid.filter { $0.groups == 1 }.map { wide in
        var convolution = wide
        convolution.inputChannels = 3
        return convolution
    }

    /// Channels first: `[channel * taps, pixels]`.
    @Test(arguments: cases)
    func planesAreGatheredAndScattered(convolution: ConvolutionCase) {
        let geometry = convolution.geometry
        let (reference, kernel, input) = (convolution.reference, convolution.kernel, convolution.input)
        let image = integers(count: geometry.input.count, seed: 1)
        let entries = integers(count: geometry.depth * geometry.output.pixels, seed: 2)
        let old = integers(count: geometry.input.count, seed: 3)
        withMemory { memory in
            let columns = memory.view(count: entries.count)
            Im2col.gather(
                geometry, from: planes(memory.view(image), geometry), into: columnRows(columns, geometry))
            let gathered = reference.im2col(image, channels: 3, input: input, kernel: kernel)
            expectEqual(columns.array, gathered)

            let sums = memory.view(old)
            Im2col.scatterAdd(
                geometry, from: columnRows(memory.view(entries), geometry), into: planes(sums, geometry))
            let scattered = reference.col2im(entries, channels: 3, input: input, kernel: kernel)
            expectEqual(sums.array, zip(scattered, old).map { $0 + $1 })
        }
    }

    /// `<im2col x, c> = <x, col2im c>`, in both layouts, a run of pixels at a time when channels are last.
    @Test(arguments: cases, Layout.allCases)
    func scatteringIsTheAdjointOfGathering(convolution: ConvolutionCase, layout: Layout) {
        let geometry = convolution.geometry
        let pixels = geometry.output.pixels
        let image = integers(count: geometry.input.count, seed: 1)
        let entries = integers(count: geometry.depth * pixels, seed: 2)
        withMemory { memory in
            let (x, c) = (memory.view(image), memory.view(entries))
            let (gathered, scattered) = (memory.view(count: c.count), memory.view(count: x.count))
            scattered.fill(0)
            switch layout {
            case .channelsFirst:
                Im2col.gather(
                    geometry, from: planes(x, geometry), into: columnRows(gathered, geometry))
                Im2col.scatterAdd(
                    geometry, from: columnRows(c, geometry), into: planes(scattered, geometry))
            case .channelsLast:
                let cuts = [0, pixels / 3, pixels]
                for (first, end) in zip(cuts, cuts.dropFirst()) {
                    let range = first * geometry.depth..<end * geometry.depth
                    func rows(_ view: FloatView) -> MatrixView {
                        view.slice(range).matrix(rows: end - first, columns: geometry.depth)
                    }
                    func map(_ view: FloatView) -> MatrixView {
                        view.matrix(rows: geometry.input.pixels, columns: 3)
                    }
                    Im2col.gather(geometry, from: map(x), firstPixel: first, into: rows(gathered))
                    Im2col.scatterAdd(geometry, from: rows(c), firstPixel: first, into: map(scattered))
                }
            }
            #expect(dot(gathered.array, entries) == dot(image, scattered.array))
            // A gathered padding alone would be adjoint to nothing: something must have been read.
            #expect(gathered.array.contains { $0 != 0 })
        }
    }

    private func planes(_ view: FloatView, _ geometry: ConvolutionGeometry) -> MatrixView {
        view.matrix(rows: geometry.input.channels, columns: geometry.input.pixels)
    }

    private func columnRows(_ view: FloatView, _ geometry: ConvolutionGeometry) -> MatrixView {
        view.matrix(rows: geometry.depth, columns: geometry.output.pixels)
    }

    private func dot(_ first: [Float], _ second: [Float]) -> Float {
        zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
