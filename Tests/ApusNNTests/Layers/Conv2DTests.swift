import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct Conv2DTests {
    private let shape = Shape(height: 7, width: 6, channels: 4)

    @Test(arguments: Layout.allCases)
    func gradientsEqualCentralDifferences(layout: Layout) throws {
        let model = Sequential {
            Conv2D(4, 6, kernel: 3, stride: 2, padding: 1, groups: 2)
            Conv2D(
                inputChannels: 6, outputChannels: 3, kernelSize: .init(height: 1, width: 2),
                padding: .explicit(height: 0, width: 1), dilation: .init(height: 1, width: 2), bias: false)
            Conv2D(3, 5, kernel: 1)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0", ReferenceConvolution(stride: 2, padding: 1, groups: 2))
                .convolved(
                    p, "1",
                    ReferenceConvolution(padding: ReferenceExtent(0, 1), dilation: ReferenceExtent(1, 2)),
                    bias: false
                )
                .convolved(p, "2")
        }
    }

    /// A kernel of 4x3 at stride 1 and 2x2 at stride 2 on 7x6: the odd zero goes below and right.
    @Test(arguments: Layout.allCases)
    func samePaddingPutsTheOddZeroBelowAndRight(layout: Layout) throws {
        let model = Sequential {
            Conv2D(
                inputChannels: 4, outputChannels: 2, kernelSize: .init(height: 4, width: 3), padding: .same)
            Conv2D(
                inputChannels: 2, outputChannels: 3, kernelSize: .init(2), stride: .init(2), padding: .same)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.padded(top: 1, left: 1, bottom: 2, right: 1).convolved(p, "0")
                .padded(top: 0, left: 0, bottom: 1, right: 0)
                .convolved(p, "1", ReferenceConvolution(stride: 2))
        }
    }

    @Test(arguments: [
        (Conv2D(4, 8, kernel: 3), "5x4x8"), (Conv2D(4, 8, kernel: 3, padding: 1), "7x6x8"),
        (Conv2D(4, 8, kernel: 3, stride: 2, padding: 1), "4x3x8"),
        (Conv2D(4, 8, kernel: 3, dilation: 2), "3x2x8"),
        (
            Conv2D(
                inputChannels: 4, outputChannels: 8, kernelSize: .init(5), stride: .init(height: 3, width: 2),
                padding: .same), "3x3x8"
        ),
    ])
    func outputsHaveTheShapeOfTheFormula(layer: Conv2D, expected: String) throws {
        #expect(try Network(layer, input: shape).output.description == expected)
    }

    @Test func costsAreCounted() throws {
        let network = try Network(
            Conv2D(4, 6, kernel: 3, padding: 1, groups: 2, bias: false), input: shape)
        #expect(network.parameterCount == 6 * 2 * 9)
        #expect(network.multiplyAdds == 42 * 6 * 2 * 9)
        #expect(try Network(Conv2D(4, 6, kernel: 3), input: shape).parameterCount == 6 * 4 * 9 + 6)
    }
}
