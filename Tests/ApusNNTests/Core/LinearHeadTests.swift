import ApusKernels
import ApusNN
import Testing
import TestSupport

@Suite("The linear head of a network") struct LinearHeadTests {
    private static let input = Shape(height: 6, width: 5, channels: 2)

    /// The outputs of a network for some images, `[images, outputs]`.
    private static func outputs(_ network: Network) throws -> [Float] {
        let images = uniformArrays(7, of: input.count, seed: 4)
        let executor = try Executor(network, batchSize: 7, workers: Workers(count: 1), isTraining: false)
        return withExtendedLifetime(executor) {
            _ = executor.infer(ArrayBatch(images: images), count: 7)
            return executor.outputs.channelsFirstArray
        }
    }

    /// `W features + b`, in double precision.
    private static func scores(_ head: LinearHead, _ features: [Float], in network: Network) -> [Float] {
        let (weights, biases) = (network.values(of: head.weight), head.bias.map { network.values(of: $0) })
        var scores: [Float] = []
        for image in 0..<features.count / head.inputs {
            for output in 0..<head.outputs {
                var sum = Double(biases?[output] ?? 0)
                for feature in 0..<head.inputs {
                    sum +=
                        Double(weights[output * head.inputs + feature])
                        * Double(features[image * head.inputs + feature])
                }
                scores.append(Float(sum))
            }
        }
        return scores
    }

    @Test("A Linear's features are its input, wherever it lies", arguments: Layout.allCases, [false, true])
    func linear(layout: Layout, isNested: Bool) throws {
        let network = try Network(
            Sequential {
                Sequential {
                    Conv2D(2, 3, kernel: 3)
                    ReLU()
                }.unnamed
                Flatten().named("flatten")
                if isNested {
                    Sequential { Linear(36, 4) }.named("classifier")
                } else {
                    Linear(inputs: 36, outputs: 4, bias: false).named("fc")
                }
            }, input: Self.input, layout: layout)
        try network.randomize(seed: 1)
        let head = try LinearHead(of: network)
        #expect(head.weight.name == (isNested ? "classifier.0.weight" : "fc.weight"))
        #expect(head.bias?.name == (isNested ? "classifier.0.bias" : nil))
        #expect(head.inputs == 36 && head.outputs == 4 && head.unrectified == nil)
        let features = try Self.outputs(network.part(head.features))
        // Sums of 36 products of numbers below 20.
        expectClose(
            try Self.outputs(network), Self.scores(head, features, in: network), absolute: 36 * 20 * 0x1p-23)
    }

    @Test(
        "A 1x1 convolution's features are the averages of its input's maps", arguments: Layout.allCases,
        [false, true])
    func convolution(layout: Layout, isRectified: Bool) throws {
        let network = try Network(
            Sequential {
                Conv2D(2, 3, kernel: 3).named("conv")
                Sequential {
                    Dropout(rate: 0.5)
                    Conv2D(3, 4, kernel: 1)
                    if isRectified { ReLU() }
                    GlobalAveragePool2D()
                }.named("classifier")
            }, input: Self.input, layout: layout)
        try network.randomize(seed: 2)
        let head = try LinearHead(of: network)
        #expect(head.weight.name == "classifier.1.weight" && head.bias?.name == "classifier.1.bias")
        #expect(head.inputs == 3 && head.outputs == 4 && (head.unrectified != nil) == isRectified)
        if isRectified {
            // So much that no map is cut off; it leaves the averages as they are but for that.
            let bias = try #require(head.bias)
            try network.setValues(network.values(of: bias).map { $0 + 64 }, of: bias)
        }
        let features = try Self.outputs(network.part(head.features))
        // Up to 64 in magnitude, averages of 12 pixels.
        expectClose(
            try Self.outputs(network), Self.scores(head, features, in: network), absolute: 16 * 64 * 0x1p-23)
    }

    @Test("Before its ReLU the head gives maps that are cut off below 0 after it")
    func unrectified() throws {
        let network = try Network(
            Sequential {
                Conv2D(2, 4, kernel: 1).named("features")
                Conv2D(4, 3, kernel: 1).named("head")
                ReLU().named("relu")
                GlobalAveragePool2D().named("average")
            }, input: Self.input)
        try network.randomize(seed: 3)
        let head = try LinearHead(of: network)
        let maps = try Self.outputs(network.part(try #require(head.unrectified)))
        #expect(maps.contains { $0 < 0 })
        let averages = (0..<7 * 3).map { map in
            maps[map * 30..<(map + 1) * 30].reduce(0) { $0 + max(0, $1) } / 30
        }
        expectClose(try Self.outputs(network), averages, absolute: 30 * 8 * 0x1p-23)
    }

    @Test("A network that ends in something else is refused, and named")
    func refusals() throws {
        let padded = Sequential {
            Conv2D(2, 4, kernel: 1)
            Conv2D(4, 3, kernel: 3)
            GlobalAveragePool2D()
        }
        let activated = Sequential {
            Flatten()
            Linear(60, 3)
            ReLU()
        }
        for (layers, mention) in [
            (padded, "Conv2D, GlobalAveragePool2D"), (activated, "Flatten, Linear, ReLU"),
        ] {
            let network = try Network(layers, input: Self.input)
            #expect {
                try LinearHead(of: network)
            } throws: { "\($0)".contains("the network ends in ") && "\($0)".contains(mention) }
        }
        let alone = try Network(Sequential { Linear(3, 2) }, input: .features(3))
        #expect(throws: LinearHeadError.self) { try LinearHead(of: alone) }
    }
}
