import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct PoolingTests {
    private let shape = Shape(height: 8, width: 6, channels: 3)

    struct Window: Sendable {
        var kernel: Int
        var stride: Int
        var padding = 0
        var roundsUp = false

        var reference: ReferencePooling {
            ReferencePooling(
                kernel: .init(kernel, kernel), stride: .init(stride, stride),
                padding: .init(padding, padding),
                roundsUp: roundsUp)
        }
    }

    static let windows = [
        Window(kernel: 2, stride: 2), Window(kernel: 3, stride: 2, roundsUp: true),
        Window(kernel: 3, stride: 1, padding: 1), Window(kernel: 3, stride: 2, padding: 1),
    ]

    @Test(arguments: windows, Layout.allCases)
    func gradientsOfTheMaximumEqualCentralDifferences(window: Window, layout: Layout) throws {
        let model = Sequential {
            Conv2D(3, 4, kernel: 1)
            MaxPool2D(
                kernelSize: window.kernel, stride: window.stride, padding: window.padding,
                roundsUp: window.roundsUp)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            window.reference.maximum(x.convolved(p, "0")).output
        }
    }

    @Test(arguments: windows, [true, false])
    func gradientsOfTheMeanEqualCentralDifferences(window: Window, countsPadding: Bool) throws {
        let model = Sequential {
            AveragePool2D(
                kernelSize: window.kernel, stride: window.stride, padding: window.padding,
                roundsUp: window.roundsUp, countsPadding: countsPadding)
            Conv2D(3, 4, kernel: 1)
        }
        for layout in Layout.allCases {
            try expectGradients(of: model, input: shape, layout: layout) { p, x in
                window.reference.average(x, countingPadding: countsPadding).convolved(p, "1")
            }
        }
    }

    /// The odd extents 9x7 leave a rest.
    @Test(arguments: [
        (MaxPool2D(kernelSize: 2), "4x3x3"), (MaxPool2D(kernelSize: 2, roundsUp: true), "5x4x3"),
        (MaxPool2D(kernelSize: 3, stride: 2), "4x3x3"),
        (MaxPool2D(kernelSize: 3, stride: 2, padding: 1), "5x4x3"),
        // A window rounded up that would start in the padding below is dropped.
        (MaxPool2D(kernelSize: 2, stride: 3, padding: 1, roundsUp: true), "4x3x3"),
    ])
    func outputsHaveTheShapeOfTheFormula(layer: MaxPool2D, expected: String) throws {
        let network = try Network(layer, input: Shape(height: 9, width: 7, channels: 3))
        #expect(network.output.description == expected)
        #expect(network.parameterCount == 0)
    }
}
