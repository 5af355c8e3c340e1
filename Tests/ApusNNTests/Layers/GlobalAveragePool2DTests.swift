import ApusKernels
import ApusNN
import ReferenceKernels
import TestSupport
import Testing

@Suite struct GlobalAveragePool2DTests {
    @Test("Each channel becomes its mean, whatever the map's extent", arguments: Layout.allCases)
    func means(layout: Layout) throws {
        let shape = Shape(height: 2, width: 3, channels: 2)
        let network = try Network(GlobalAveragePool2D(), input: shape, layout: layout)
        #expect(network.output == .features(2))
        let executor = try Executor(network, batchSize: 2, isTraining: false)
        let images: [[Float]] = [
            [1, 2, 3, 4, 5, 9, 0, 0, 0, 0, 0, 6], [6, 6, 6, 6, 6, 6, -6, 6, 0, 0, 0, 0],
        ]
        _ = executor.infer(ArrayBatch(images: images), count: 2)
        #expect(executor.outputs.channelsFirstArray == [4, 1, 6, 0])
    }

    @Test("Gradients equal central differences", arguments: Layout.allCases)
    func gradients(layout: Layout) throws {
        let shape = Shape(height: 5, width: 3, channels: 2)
        let model = Sequential {
            Conv2D(2, 3, kernel: 1)
            GlobalAveragePool2D()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            let y = x.convolved(p, "0")
            let planes = stride(from: 0, to: y.count, by: 15).map { y.values[$0..<$0 + 15] }
            return ReferenceTensor(y.batch, 3, 1, 1, values: planes.map { $0.reduce(0, +) / 15 })
        }
    }
}
