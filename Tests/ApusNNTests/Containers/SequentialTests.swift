import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

/// Where a Sequential puts outputs shows in what its layers compute and in the memory it books.
@Suite struct SequentialTests {
    private let shape = Shape(height: 6, width: 5, channels: 3)

    @Test(arguments: Layout.allCases)
    func anActivationAfterOneThatReadsItsOutputDoesNotOverwriteIt(layout: Layout) throws {
        let model = Sequential {
            Tanh()
            ReLU()
            Sigmoid()
            Conv2D(3, 2, kernel: 2)
            Tanh()
            Sigmoid()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.activated(.tanh).activated(.relu).activated(.sigmoid).convolved(p, "3").activated(.tanh)
                .activated(.sigmoid)
        }
        let last = Sequential {
            Conv2D(3, 2, kernel: 2)
            ReLU()
            Sigmoid()
            Tanh()
        }
        try expectGradients(of: last, input: shape, layout: layout) { p, x in
            x.convolved(p, "0").activated(.relu).activated(.sigmoid).activated(.tanh)
        }
    }

    @Test(arguments: Layout.allCases)
    func nestedSequentialsComputeWhatTheirLayersDo(layout: Layout) throws {
        let model = Sequential {
            Sequential {
                Sequential { Conv2D(3, 4, kernel: 2) }
                ReLU()
            }
            Sequential {
                ReLU()
                Conv2D(4, 3, kernel: 1)
                Tanh()
            }
            ReLU()
            Sequential { Sigmoid() }
            Sequential {
                Conv2D(3, 2, kernel: 2)
                Flatten()
            }
            Linear(24, 4)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0.0.0").activated(.relu).activated(.relu).convolved(p, "1.1").activated(.tanh)
                .activated(.relu).activated(.sigmoid).convolved(p, "4.0").flattened.linear(p, "5")
        }
    }

    @Test(arguments: Layout.allCases)
    func anActivationOverAPoolingIsRunInPlace(layout: Layout) throws {
        let model = Sequential {
            Conv2D(3, 4, kernel: 1)
            MaxPool2D(kernelSize: 2)
            ReLU()
            Scale(4)
            AveragePool2D(kernelSize: 2, stride: 1)
            Tanh()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            var y = ReferencePooling(kernel: 2).maximum(x.convolved(p, "0")).output.activated(.relu)
            for place in y.values.indices {
                let channel = place / (y.height * y.width) % 4
                y.values[place] =
                    p["3.weight"].values[channel] * y.values[place] + p["3.bias"].values[channel]
            }
            return ReferencePooling(kernel: 2, stride: 1).average(y).activated(.tanh)
        }
    }

    @Test func onlyAnActivationInPlaceTakesNoMemory() throws {
        func bytes(@LayerBuilder _ layers: () -> [NamedLayer]) throws -> Int {
            let network = try Network(Sequential(layers()), input: shape)
            return try Executor(network, batchSize: 2, workers: Workers(count: 1)).memory.activationBytes
        }
        let plain = try bytes {
            Conv2D(3, 4, kernel: 3, padding: 1)
            Conv2D(4, 4, kernel: 3, padding: 1)
        }
        let inPlace = try bytes {
            Conv2D(3, 4, kernel: 3, padding: 1)
            ReLU()
            Conv2D(4, 4, kernel: 3, padding: 1)
            ReLU()
        }
        let stacked = try bytes {
            Conv2D(3, 4, kernel: 3, padding: 1)
            Tanh()
            ReLU()
            Conv2D(4, 4, kernel: 3, padding: 1)
            ReLU()
        }
        #expect(inPlace == plain)
        #expect(stacked == plain + 2 * 6 * 5 * 4 * 4)
    }

    @Test func layersBelowTheFirstTrainedOneAreSkippedInBackward() throws {
        // Without the input's gradient nothing below the convolution runs backward, and the gradients stay.
        let model = Sequential {
            Tanh()
            MaxPool2D(kernelSize: 2, stride: 1)
            Conv2D(3, 2, kernel: 2)
            ReLU()
        }
        let network = try Network(model, input: shape)
        try network.randomize(seed: 1)
        let batch = ArrayBatch(images: uniformArrays(2, of: shape.count, seed: 2))
        let loss = UpstreamLoss(upstream: uniformArrays(2, of: network.output.count, seed: 3))
        let kept = StepResult(
            try Executor(network, batchSize: 2, keepsInputGradient: true), batch, loss: loss)
        let discarded = StepResult(try Executor(network, batchSize: 2), batch, loss: loss)
        #expect(discarded.gradients == kept.gradients)
        #expect(kept.inputGradients.contains { $0 != 0 } && discarded.inputGradients.isEmpty)
    }

    @Test func aNetworkWithoutParametersRuns() throws {
        let network = try Network(Sequential { ReLU() }, input: .features(3))
        let executor = try Executor(network, batchSize: 1, keepsInputGradient: true)
        let result = StepResult(
            executor, ArrayBatch(images: [[1, -1, 0]]), loss: UpstreamLoss(upstream: [[1, 1, 1]]))
        #expect(result.outputs == [1, 0, 0] && result.gradients.isEmpty)
    }
}
