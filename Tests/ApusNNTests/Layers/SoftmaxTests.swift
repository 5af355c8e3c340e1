import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct SoftmaxTests {
    @Test(arguments: Layout.allCases)
    func gradientsEqualCentralDifferences(layout: Layout) throws {
        let model = Sequential {
            Linear(6, 5)
            Softmax()
            Linear(5, 4)
            Softmax()
        }
        func softmax(_ x: ReferenceTensor<Double>) -> ReferenceTensor<Double> {
            ReferenceTensor(
                shape: x.shape, values: ReferenceSoftmax.forward(x.values, classes: x.channels))
        }
        try expectGradients(of: model, input: .features(6), layout: layout) { p, x in
            softmax(softmax(x.linear(p, "0")).linear(p, "2"))
        }
    }
}
