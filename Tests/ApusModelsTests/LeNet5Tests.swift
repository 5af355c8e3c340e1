import ApusKernels
import ApusModels
import ApusNN
import Testing

@Suite("LeNet-5")
struct LeNet5Tests {
    @Test(
        "parameters and multiply-adds are the paper's",
        arguments: [
            ("lenet5", 61_706, 416_520), ("lenet5-1998", 61_706, 416_520),
            ("lenet5-keras", 193_630, 2_993_000),
        ])
    func counts(name: String, parameters: Int, multiplyAdds: Int) throws {
        let network = try Network(try #require(ModelCatalog.model(named: name)))
        #expect(network.parameterCount == parameters)
        #expect(network.multiplyAdds == multiplyAdds)
    }

    @Test("the shapes of LeNet-5 are those of the paper")
    func shapes() throws {
        let network = try Network(LeNet5())
        let shapes = network.root.children.map { "\($0.path) \($0.output)" }
        #expect(
            shapes == [
                "conv1 28x28x6", "relu1 28x28x6", "pool1 14x14x6", "conv2 10x10x16", "relu2 10x10x16",
                "pool2 5x5x16", "flatten 400", "fc1 120", "relu3 120", "fc2 84", "relu4 84", "fc3 10",
            ])
    }

    @Test("parameters have PyTorch's names and shapes")
    func names() throws {
        let network = try Network(LeNet5Tutorial())
        #expect(
            network.parameters.map { "\($0.name) \($0.shape)" } == [
                "conv1.weight [20, 1, 5, 5]", "conv1.bias [20]", "conv2.weight [50, 20, 5, 5]",
                "conv2.bias [50]", "conv3.weight [50, 50, 5, 5]", "conv3.bias [50]",
                "fc1.weight [500, 200]", "fc1.bias [500]", "fc2.weight [10, 500]", "fc2.bias [10]",
            ])
    }

    @Test("the tutorial's network as printed is refused, naming the layer, its input and its kernel")
    func asPrinted() throws {
        #expect(
            throws: PlanningError(
                path: "conv3", reason: "a 5x5 kernel does not fit its 4x4 input with no padding")
        ) { try Network(LeNet5Tutorial(isAsPrinted: true)) }
    }

    @Test("on the vector kernels images are last, on GEMM channels first, and what is asked for is taken")
    func layouts() throws {
        for name in ["lenet5", "lenet5-1998", "lenet5-keras"] {
            let model = try #require(ModelCatalog.model(named: name))
            #expect(try Network(model, backend: .vector).layout == .imagesLast)
            #expect(try Network(model, backend: .gemm).layout == .channelsFirst)
            #expect(try Network(model, layout: .imagesLast, backend: .gemm).layout == .imagesLast)
        }
        #expect(try Network(SqueezeNet1_1(), backend: .gemm).layout == .channelsLast)
    }

    @Test("the original takes images of 32x32 that are padded already")
    func padded() throws {
        let network = try Network(
            LeNet5Original(isPadded: true), input: Shape(height: 32, width: 32, channels: 1))
        #expect(network.multiplyAdds == 416_520)
    }

    @Test("trained subsampling adds a coefficient and a bias for each of 22 maps")
    func trainedPooling() throws {
        let network = try Network(LeNet5Original(isPadded: false, trainsPooling: true))
        #expect(network.parameterCount == 61_706 + 44)
    }

    @Test("a variant is found again by its name", arguments: LeNet5Original.variants(classes: 10))
    func variants(model: LeNet5Original) throws {
        let found = try #require(ModelCatalog.model(named: model.variantName, classes: 10))
        let side = model.isPadded ? 32 : 28
        let input = Shape(height: side, width: side, channels: 1)
        #expect(
            try Network(found, input: input).parameterCount == Network(model, input: input).parameterCount)
    }

    @Test("another number of classes changes the last layer alone")
    func classes() throws {
        #expect(try Network(LeNet5(classes: 26)).parameterCount == 61_706 + 16 * 85)
    }

    @Test("images of another extent are refused where they no longer fit")
    func otherImages() throws {
        #expect(throws: PlanningError(path: "fc1", reason: "expects 400 features, found 576")) {
            try Network(LeNet5(), input: Shape(height: 32, width: 32, channels: 1))
        }
        #expect(
            throws: PlanningError(
                path: "conv1", reason: "expects 1 input channels, found 3 in its input 28x28x3")
        ) { try Network(LeNet5(), input: Shape(height: 28, width: 28, channels: 3)) }
    }
}
