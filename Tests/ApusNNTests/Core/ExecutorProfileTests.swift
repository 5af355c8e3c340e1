import ApusKernels
import ApusNN
import Testing

@Suite(.serialized) struct ExecutorProfileTests {
    private static let shape = Shape(height: 16, width: 16, channels: 2)

    private static let model = Sequential {
        Conv2D(2, 4, kernel: 3, padding: 1).named("conv")
        ReLU().named("relu")
        Residual {
            Conv2D(4, 4, kernel: 3, padding: 1).named("inside")
            Tanh().named("tanh")
        }.named("block")
        Flatten().named("flatten")
        Linear(4 * 256, 10).named("output")
    }

    private static func executor(threads: Int = 2, freezing: [NamePattern] = []) throws -> Executor {
        try Executor(
            Network(model, input: shape, layout: .channelsFirst, freezing: freezing), batchSize: 40,
            workers: Workers(count: threads))
    }

    private static let batch = ArrayBatch(
        images: uniformArrays(40, of: shape.count, seed: 1), labels: (0..<40).map { $0 % 10 })

    private static func step(_ executor: Executor) -> Executor.Outcome {
        executor.computeGradients(batch, count: 40, loss: SoftmaxCrossEntropy())
    }

    @Test("Nothing is measured unless it is asked for")
    func off() throws {
        let executor = try Self.executor()
        _ = Self.step(executor)
        #expect(executor.profile == nil)
        executor.isProfiling = true
        #expect(executor.profile?.total == .zero)
        _ = Self.step(executor)
        #expect(try #require(executor.profile).total > .zero)
        executor.isProfiling = true
        #expect(executor.profile?.total == .zero, "setting it begins anew")
        executor.isProfiling = false
        #expect(executor.profile == nil)
    }

    @Test("Each layer that is run has time, those that are not have none")
    func layers() throws {
        let executor = try Self.executor()
        executor.isProfiling = true
        _ = Self.step(executor)
        let profile = try #require(executor.profile)
        let named = profile.layers.filter { !$0.layer.isUnnamed }
        #expect(
            named.map(\.layer.path) == [
                "", "conv", "relu", "block", "block.inside", "block.tanh", "flatten", "output",
            ])
        for time in named {
            let isRun = !["relu", "flatten"].contains(time.layer.path)
            #expect(time.layer.isSkipped != isRun)
            #expect((time.forward > .zero) == isRun, "\(time.layer.path)")
            #expect((time.backward > .zero) == isRun, "\(time.layer.path)")
        }
        #expect(profile.loading > .zero && profile.loss > .zero && profile.dealing > .zero)
        #expect(profile.reduction == .zero && profile.update == .zero, "nobody has updated")
    }

    @Test("No moment is counted twice: on one thread the times fit into what has passed")
    func total() throws {
        let executor = try Self.executor(threads: 1)
        executor.isProfiling = true
        let passed = ContinuousClock().measure { for _ in 0..<5 { _ = Self.step(executor) } }
        let total = try #require(executor.profile).total
        #expect(total <= passed)
        // All else a step does is to start one job.
        #expect(total > passed / 2)
    }

    @Test("What is made of parameters before a batch has time of its own, once until they change")
    func preparation() throws {
        let network = try Network(
            Sequential { Conv2D(16, 16, kernel: 3, padding: 1) },
            input: .init(height: 16, width: 16, channels: 16),
            layout: .channelsLast, backend: .vector)
        let executor = try Executor(network, batchSize: 1, isTraining: false)
        let batch = ArrayBatch(images: uniformArrays(1, of: network.input.count, seed: 1))
        func preparation() throws -> Duration {
            executor.isProfiling = true
            _ = executor.infer(batch, count: 1)
            return try #require(executor.profile).preparation
        }
        #expect(try preparation() > .zero)
        #expect(try preparation() == .zero)
        try network.initialize(seed: 2)
        #expect(try preparation() > .zero)
    }

    @Test("Measuring changes no bit")
    func bits() throws {
        let results = try [false, true].map { profiles in
            let executor = try Self.executor()
            executor.isProfiling = profiles
            return StepResult(executor, Self.batch, loss: SoftmaxCrossEntropy())
        }
        #expect(results[0] == results[1])
    }

    @Test("What backward has to do follows from what is trained")
    func costs() throws {
        func profile(freezing: [NamePattern] = []) throws -> [String: ExecutorProfile.LayerTime] {
            let executor = try Self.executor(freezing: freezing)
            executor.isProfiling = true
            _ = Self.step(executor)
            let layers = try #require(executor.profile).layers.filter { !$0.layer.isUnnamed }
            return Dictionary(uniqueKeysWithValues: layers.map { ($0.layer.path, $0) })
        }
        func products(_ time: ExecutorProfile.LayerTime?) throws -> Int {
            let time = try #require(time)
            let cost = time.layer.backwardCost(images: 40, hasInputGradient: time.hasInputGradient)
            return cost.operations / time.layer.forwardCost(images: 40).operations
        }
        let whole = try profile()
        #expect(try products(whole["conv"]) == 1, "images need no gradient")
        #expect(try products(whole["block.inside"]) == 2)
        let frozen = try profile(freezing: ["conv.*", "block.*"])
        #expect(frozen["conv"]?.backward == .zero && frozen["block.inside"]?.backward == .zero)
        #expect(try products(frozen["output"]) == 1)
        #expect(whole["output"]?.layer.forwardCost(images: 40).operations == 2 * 40 * 10_240)
    }
}
