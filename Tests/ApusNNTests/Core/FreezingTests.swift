import ApusKernels
import ApusNN
import Synchronization
import TestSupport
import Testing

@Suite struct FreezingTests {
    private static let shape = Shape(height: 8, width: 8, channels: 2)

    private static let model = Sequential {
        Sequential {
            Conv2D(2, 4, kernel: 3, padding: 1)
            ReLU()
            Conv2D(4, 4, kernel: 3, padding: 1)
        }.named("features")
        Flatten().named("flatten")
        Linear(256, 5).named("head")
    }

    private static func network(freezing: [NamePattern], layout: Layout = .channelsFirst) throws -> Network {
        try Network(model, input: shape, seed: 3, layout: layout, freezing: freezing)
    }

    private static func step(_ network: Network, keepsInputGradient: Bool = false) throws -> Executor {
        let executor = try Executor(
            network, batchSize: 6, workers: Workers(count: 2), keepsInputGradient: keepsInputGradient)
        executor.poisonMemory(with: .nan)
        _ = executor.computeGradients(
            ArrayBatch(
                images: uniformArrays(6, of: network.input.count, seed: 1), labels: [0, 1, 2, 3, 0, 1]),
            count: 6, loss: SoftmaxCrossEntropy())
        executor.reduceGradients()
        return executor
    }

    @Test("Parameters that a pattern describes are frozen, and no others")
    func patterns() throws {
        let network = try Self.network(freezing: ["features.*", "*.bias"])
        #expect(network.trainedParameters.map(\.name) == ["head.weight"])
        #expect(network.parameters.map(\.name).count == 6)
        #expect(network.trainedFloats == 256 * 5)
    }

    @Test("Frozen or not, parameters start from the same bits", arguments: Layout.allCases)
    func initialization(layout: Layout) throws {
        let all = try Self.network(freezing: [], layout: layout)
        let some = try Self.network(freezing: ["features.2.*"], layout: layout)
        for (one, other) in zip(all.parameters, some.parameters) {
            #expect(all.values(of: one) == some.values(of: other))
        }
    }

    @Test(
        "What is trained has the gradients it has when all is",
        arguments: ["features.*", "features.0.*", "features.2.weight", "head.*", "*.bias"] as [NamePattern],
        Layout.allCases)
    func gradients(pattern: NamePattern, layout: Layout) throws {
        let all = try Self.network(freezing: [], layout: layout)
        let some = try Self.network(freezing: [pattern], layout: layout)
        try Self.expectSameGradients(all, some)
    }

    private static let branches = Sequential {
        Residual(Fire(2, squeeze: 3, expand: 2), shortcut: Conv2D(2, 4, kernel: 1)).named("first")
        Residual(Fire(4, squeeze: 3, expand: 2)).named("second")
        GlobalAveragePool2D().named("mean")
    }

    @Test(
        "So it has where branches are frozen, in part or as a whole",
        arguments: [
            "first.*", "*.squeeze.*", "*.expand1x1.*", "*.expand3x3.*", "*.shortcut.*", "second.*",
            "first.squeeze.*", "*.bias",
        ] as [NamePattern], Layout.allCases)
    func branchGradients(pattern: NamePattern, layout: Layout) throws {
        func network(freezing: [NamePattern]) throws -> Network {
            try Network(Self.branches, input: Self.shape, seed: 5, layout: layout, freezing: freezing)
        }
        let (all, some) = (try network(freezing: []), try network(freezing: [pattern]))
        try Self.expectSameGradients(all, some)
    }

    private static func expectSameGradients(_ all: Network, _ some: Network) throws {
        let (whole, part) = (try Self.step(all), try Self.step(some))
        #expect(!some.trainedParameters.isEmpty && some.trainedParameters.count < all.parameters.count)
        for parameter in some.trainedParameters {
            let gradient = all.values(of: try all.parameter(named: parameter.name), in: whole.gradients)
            #expect(gradient.contains { $0 != 0 }, "\(parameter.name)")
            expectEqual(some.values(of: parameter, in: part.gradients), gradient, parameter.name)
        }
    }

    private static let single = Sequential {
        Conv2D(1, 6, kernel: 5, padding: 2).named("stem")
        ReLU()
        MaxPool2D(kernelSize: 2)
        Flatten()
        Linear(96, 5).named("head")
    }

    @Test(
        "So it has where a convolution of a single channel computes its pool",
        arguments: ["stem.weight", "stem.bias", "head.*"] as [NamePattern])
    func pooledGradients(pattern: NamePattern) throws {
        func network(freezing: [NamePattern]) throws -> Network {
            try Network(
                Self.single, input: Shape(height: 8, width: 8, channels: 1), seed: 5, layout: .imagesLast,
                backend: .vector, freezing: freezing)
        }
        let (all, some) = (try network(freezing: []), try network(freezing: [pattern]))
        #expect(all.root.children[2].isSkipped)
        try Self.expectSameGradients(all, some)
    }

    @Test("The images' gradient comes through frozen layers")
    func inputGradient() throws {
        let frozen = try Self.step(Self.network(freezing: ["*"]), keepsInputGradient: true)
        let trained = try Self.step(Self.network(freezing: []), keepsInputGradient: true)
        let gradient = try #require(frozen.inputGradients).channelsFirstArray
        #expect(gradient.contains { $0 != 0 })
        expectEqual(gradient, try #require(trained.inputGradients).channelsFirstArray)
    }

    @Test("A layer below the lowest trained one is not run backward")
    func below() throws {
        let network = try Network(
            Sequential {
                BackwardCounter.Layer().named("counter")
                Self.model.named("model")
            }, input: Self.shape, freezing: ["model.features.*"])
        BackwardCounter.calls.withLock { $0 = 0 }
        _ = try Self.step(network)
        #expect(BackwardCounter.calls.withLock { $0 } == 0)
        _ = try Self.step(network, keepsInputGradient: true)
        #expect(BackwardCounter.calls.withLock { $0 } > 0)
    }

    @Test("A pattern that describes nothing is refused, and tells what there is")
    func unknown() throws {
        #expect(
            throws: PlanningError(
                reason: "no parameter to freeze is described by feature.*: "
                    + "there are features.0.weight, features.0.bias, features.2.weight, features.2.bias, "
                    + "head.weight, head.bias")
        ) { try Self.network(freezing: ["feature.*"]) }
    }

    @Test("Nothing to train is an error before anything runs")
    func everythingFrozen() throws {
        let network = try Self.network(freezing: ["*"])
        #expect(throws: PlanningError(reason: "nothing to train: all 6 parameters are frozen")) {
            try Executor(network, batchSize: 1)
        }
        let bare = try Network(ReLU(), input: Self.shape)
        #expect(throws: PlanningError(reason: "nothing to train: the network has no parameters")) {
            try Executor(bare, batchSize: 1)
        }
        _ = try Executor(network, batchSize: 1, isTraining: false)
    }
}

/// Counts how often its layer runs backward.
private enum BackwardCounter {
    static let calls = Mutex(0)

    struct Layer: ApusNN.Layer {
        func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan { LayerPlan(output: shape) }

        func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
            output.copy(from: input)
        }

        func backward(
            _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
            _ context: LayerContext
        ) {
            BackwardCounter.calls.withLock { $0 += 1 }
            inputGradient.apply(outputGradient)
        }
    }
}
