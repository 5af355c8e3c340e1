import ApusKernels
import ApusNN
import ReferenceKernels
import TestSupport
import Testing

@Suite struct FireTests {
    private static let shape = Shape(height: 4, width: 3, channels: 2)

    @Test("Parameters have torchvision's names, in its order")
    func names() throws {
        let network = try Network(
            Sequential { Fire(2, squeeze: 1, expand1x1: 2, expand3x3: 3) }, input: Self.shape)
        #expect(
            network.parameters.map { "\($0.name) \($0.shape)" } == [
                "0.squeeze.weight [1, 2, 1, 1]", "0.squeeze.bias [1]", "0.expand1x1.weight [2, 1, 1, 1]",
                "0.expand1x1.bias [2]", "0.expand3x3.weight [3, 1, 3, 3]", "0.expand3x3.bias [3]",
            ])
        #expect(network.output == Shape(height: 4, width: 3, channels: 5))
        #expect(network.multiplyAdds == 12 * (2 + 2 + 27))
    }

    @Test("Gradients equal central differences", arguments: Layout.allCases)
    func gradients(layout: Layout) throws {
        try expectGradients(
            of: Fire(2, squeeze: 4, expand: 3), input: Self.shape, layout: layout, equal: reference)
    }

    @Test("A bypass adds the input, or a convolution of it, under the same names", arguments: Layout.allCases)
    func bypass(layout: Layout) throws {
        try expectGradients(
            of: Residual(Fire(2, squeeze: 4, expand: 1)), input: Self.shape, layout: layout
        ) { p, x in reference(p, x).adding(x) }
        try expectGradients(
            of: Residual(Fire(2, squeeze: 4, expand: 3), shortcut: Conv2D(2, 6, kernel: 1)),
            input: Self.shape,
            layout: layout
        ) { p, x in reference(p, x).adding(x.convolved(p, "shortcut")) }
    }

    private func reference(
        _ p: ReferenceParameters, _ x: ReferenceTensor<Double>
    ) -> ReferenceTensor<Double> {
        let squeezed = x.convolved(p, "squeeze").activated(.relu)
        return squeezed.convolved(p, "expand1x1").activated(.relu)
            .concatenated(
                squeezed.convolved(p, "expand3x3", ReferenceConvolution(padding: 1)).activated(.relu))
    }
}
