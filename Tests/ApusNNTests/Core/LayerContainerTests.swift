import ApusKernels
import ApusNN
import Testing

@Suite struct LayerContainerTests {
    private static let shape = Shape(height: 6, width: 6, channels: 2)

    private static let layers = Sequential {
        Conv2D(2, 4, kernel: 3, padding: 1).named("conv")
        ReLU().named("relu")
        Fire(4, squeeze: 2, expand: 3).named("fire")
        Residual(shortcut: Conv2D(6, 5, kernel: 1)) { Conv2D(6, 5, kernel: 3, padding: 1).named("body") }
            .named("residual")
        Concat {
            Conv2D(5, 2, kernel: 1).named("left")
            Sequential { Conv2D(5, 3, kernel: 1) }.named("right")
        }.named("concat")
        GlobalAveragePool2D().named("pool")
    }

    /// The weights that a layer's change gives.
    private func weights(changing path: String) throws -> [String] {
        let layers = Self.layers.replacing(path: "") { found, layer in
            found == path ? (layer as? any LowRankLayer)?.factored(rank: 1) : nil
        }
        return try Network(layers, input: Self.shape).parameters.map(\.name).filter {
            $0.hasPrefix(path + ".")
        }
    }

    @Test("Each innermost layer is named by the path of its parameters")
    func paths() throws {
        let network = try Network(Self.layers, input: Self.shape)
        let paths = Self.layers.innermostLayers.filter { $0.layer is any LowRankLayer }.map(\.path)
        #expect(
            paths.map { "\($0).weight" } == network.parameters.map(\.name).filter { $0.hasSuffix("weight") })
    }

    @Test(
        "A layer anywhere gives way to two, which go by its name",
        arguments: [
            "conv", "fire.squeeze", "fire.expand1x1", "fire.expand3x3", "residual.body", "residual.shortcut",
            "concat.left", "concat.right.0",
        ])
    func replaced(path: String) throws {
        #expect(
            try weights(changing: path) == ["\(path).0.weight", "\(path).1.weight", "\(path).1.bias"])
    }

    @Test("A change that gives nothing changes nothing")
    func unchanged() throws {
        let same = Self.layers.replacing(path: "") { _, _ in nil }
        let (before, after) = try (Network(Self.layers, input: Self.shape), Network(same, input: Self.shape))
        #expect(after.parameters.map(\.name) == before.parameters.map(\.name))
        #expect(after.parameterBlock.array == before.parameterBlock.array)
    }

    @Test(
        "Two layers in the place of one are planned with their neighbours: the ReLU after them is computed with them"
    )
    func fused() throws {
        let factored = Self.layers.replacing(path: "") { path, layer in
            path == "conv" ? (layer as? Conv2D)?.factored(rank: 3) : nil
        }
        let network = try Network(factored, input: Self.shape)
        let names = network.root.children.map(\.path)
        #expect(names.prefix(3) == ["conv.0", "conv.1", "relu"])
        #expect(network.root.children[2].placement == .fused)
    }

    @Test("The first of two convolutions has the kernel, stride, padding and dilation, the second the bias")
    func convolution() throws {
        let layer = Conv2D(
            inputChannels: 3, outputChannels: 8, kernelSize: .init(height: 3, width: 2), stride: .init(2),
            padding: .explicit(height: 1, width: 2), dilation: .init(2))
        #expect(layer.weightMatrix == (8, 18))
        let shape = Shape(height: 11, width: 9, channels: 3)
        let (one, two) = try (
            Network(Sequential { layer }, input: shape), Network(layer.factored(rank: 4), input: shape)
        )
        #expect(two.output == one.output)
        #expect(two.parameters.map(\.shape) == [[4, 3, 3, 2], [8, 4, 1, 1], [8]])
        #expect(two.multiplyAdds == one.output.pixels * 4 * (18 + 8))
        #expect(!Conv2D(4, 4, kernel: 3, groups: 2).isFactorable)
        #expect(Linear(3, 4).weightMatrix == (4, 3))
    }
}
