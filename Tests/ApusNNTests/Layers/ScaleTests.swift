import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct ScaleTests {
    /// A mean of 2x2 and a scale of 4 w is LeNet-5's subsampling, a sum times w.
    @Test(arguments: Layout.allCases)
    func afterAnAveragePoolingItIsTheSubsamplingOfLeNet(layout: Layout) throws {
        let model = Sequential {
            AveragePool2D(kernelSize: 2)
            Scale(3)
            Tanh()
        }
        try expectGradients(of: model, input: Shape(height: 6, width: 4, channels: 3), layout: layout) {
            p, x in
            ReferenceTrainedPooling.forward(
                x, coefficients: p["1.weight"].values.map { $0 / 4 }, bias: p["1.bias"].values
            ).activated(.tanh)
        }
    }

    @Test func itStartsAsTheIdentity() throws {
        let network = try Network(Scale(3), input: Shape(height: 2, width: 2, channels: 3))
        #expect(network.parameters.map { network.values(of: $0) } == [[1, 1, 1], [0, 0, 0]])
        #expect(network.parameters.map(\.name) == ["weight", "bias"])
    }
}
