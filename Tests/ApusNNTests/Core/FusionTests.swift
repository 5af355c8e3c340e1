import ApusKernels
import ApusNN
import TestSupport
import Testing

@Suite struct FusionTests {
    private static let shape = Shape(height: 9, width: 7, channels: 3)

    private static let model = Sequential {
        Conv2D(3, 5, kernel: 3, stride: 2, padding: 1).named("stem")
        ReLU().named("relu")
        MaxPool2D(kernelSize: 2, roundsUp: true).named("pool")
        Fire(5, squeeze: 3, expand: 4).named("fire")
        Conv2D(8, 6, kernel: 3, padding: 1, groups: 2).named("grouped")
        ReLU().named("grouped_relu")
        ReLU().named("again")
        GlobalAveragePool2D().named("mean")
    }

    private static func network(fuses: Bool, _ layout: Layout) throws -> Network {
        try Network(
            model, input: shape, seed: 2, layout: layout, backend: .vector, fusesActivations: fuses)
    }

    @Test(
        "A convolution that computes the ReLU and the pool after it gives the bits of all, its parameters' gradients their sums",
        arguments: Layout.allCases)
    func bits(layout: Layout) throws {
        var sums: [[Float]] = []
        let results = try [true, false].map { fuses in
            let network = try Self.network(fuses: fuses, layout)
            let executor = try Executor(
                network, batchSize: 5, workers: Workers(count: 2), keepsInputGradient: true)
            executor.poisonMemory(with: .nan)
            let batch = ArrayBatch(images: uniformArrays(5, of: Self.shape.count, seed: 8))
            var result = StepResult(executor, batch, loss: SoftmaxCrossEntropy())
            if layout == .channelsLast {
                // Summed over maxima, in another order.
                var own: [Float] = []
                for name in ["stem.weight", "stem.bias"] {
                    let range = try network.parameter(named: name).range
                    own += result.gradients[range]
                    result.gradients.replaceSubrange(range, with: range.map { _ in 0 })
                }
                sums.append(own)
            }
            return result
        }
        #expect(results[0] == results[1])
        #expect(results[0].gradients.contains { $0 != 0 })
        if layout == .channelsLast {
            // Six maxima in each of five images: two sums of 30 terms, each of which rounds once.
            expectNormClose(sums[0], sums[1], tolerance: 2 * 30 * 0x1p-24)
            #expect(sums[0].contains { $0 != 0 })
        }
    }

    @Test(
        "Of a single channel, images last, the convolution that computes the ReLU and the pool gives the bits of all"
    )
    func singleChannel() throws {
        let model = Sequential {
            Conv2D(1, 6, kernel: 5, padding: 2).named("stem")
            ReLU().named("relu")
            MaxPool2D(kernelSize: 2).named("pool")
            Conv2D(6, 3, kernel: 5).named("head")
            GlobalAveragePool2D().named("mean")
        }
        let shape = Shape(height: 12, width: 14, channels: 1)
        let batch = ArrayBatch(images: uniformArrays(21, of: shape.count, seed: 8))
        let results = try [true, false].map { fuses in
            let network = try Network(
                model, input: shape, seed: 2, layout: .imagesLast, backend: .vector, fusesActivations: fuses)
            #expect(network.root.children[2].isSkipped == fuses)
            let executor = try Executor(
                network, batchSize: 21, workers: Workers(count: 2), keepsInputGradient: true)
            executor.poisonMemory(with: .nan)
            return StepResult(
                executor, batch, loss: UpstreamLoss(upstream: uniformArrays(21, of: 3, seed: 9)))
        }
        #expect(results[0] == results[1])
        #expect(results[0].gradients.contains { $0 != 0 })
    }

    @Test(
        "Channels last, a 1x1 convolution that computes the ReLU and the means after it gives the outputs' bits, and gradients in another order of sums",
        arguments: [1, 3])
    func averaged(workers: Int) throws {
        let model = Sequential {
            Conv2D(3, 32, kernel: 3, padding: 1).named("stem")
            Conv2D(32, 200, kernel: 1).named("head")
            ReLU().named("relu")
            GlobalAveragePool2D().named("mean")
        }
        // Two shards, the second smaller.
        let batch = ArrayBatch(images: uniformArrays(9, of: Self.shape.count, seed: 8))
        let networks = try [true, false].map { fuses in
            try Network(
                model, input: Self.shape, seed: 2, layout: .channelsLast, backend: .vector,
                fusesActivations: fuses)
        }
        #expect(networks.map { $0.root.children[3].placement } == [.fused, .own])
        let results = try networks.map { network in
            let executor = try Executor(
                network, batchSize: 9, workers: Workers(count: workers), keepsInputGradient: true)
            executor.poisonMemory(with: .nan)
            return StepResult(
                executor, batch, loss: UpstreamLoss(upstream: uniformArrays(9, of: 200, seed: 9)))
        }
        #expect(results[0].outputs == results[1].outputs)
        // Sums over the pixels of nine maps of 9x7, and over 200 channels, then 32 of nine taps.
        expectNormClose(results[0].gradients, results[1].gradients, tolerance: 2 * 9 * 63 * 0x1p-24)
        expectNormClose(
            results[0].inputGradients, results[1].inputGradients, tolerance: 2 * (200 + 288) * 0x1p-24)
        #expect(results[0].gradients.contains { $0 != 0 })
        // All threads in one image.
        let inferred = try networks.map { network in
            let executor = try Executor(
                network, batchSize: 1, workers: Workers(count: workers), isTraining: false)
            executor.poisonMemory(with: .nan)
            _ = executor.infer(batch, count: 1)
            return executor.outputs.channelsFirstArray
        }
        #expect(inferred[0] == inferred[1])
    }

    /// What an observer sees of five images, by path and image.
    private static func seen(fuses: Bool, _ layout: Layout) throws -> [String: [Int: [Float]]] {
        let executor = try Executor(
            network(fuses: fuses, layout), batchSize: 5, workers: Workers(count: 2), isTraining: false)
        let seen = Seen()
        executor.observer = seen.note
        _ = executor.infer(
            ArrayBatch(images: uniformArrays(5, of: shape.count, seed: 8)), count: 5)
        return seen.outputs
    }

    @Test(
        "Where a convolution computes its ReLU or its pool, an observer sees the outcome in their place",
        arguments: Layout.allCases)
    func fusedObserver(layout: Layout) throws {
        let (fused, plain) = (try Self.seen(fuses: true, layout), try Self.seen(fuses: false, layout))
        let stem = plain[layout == .channelsLast ? "pool" : "relu"]
        #expect(fused["stem"] == stem)
        #expect(fused["relu"] == stem)
        #expect(fused["grouped"] == plain["grouped_relu"])
        for path in plain.keys where !["stem", "relu", "grouped"].contains(path) && !path.hasPrefix("fire.") {
            #expect(fused[path] == plain[path], "\(path)")
        }
        #expect(fused["fire.squeeze"] == plain["fire.squeeze_activation"])
    }

    @Test("An observer sees every layer by its path, each image once", arguments: Layout.allCases)
    func observer(layout: Layout) throws {
        let outputs = try Self.seen(fuses: false, layout)
        #expect(
            Set(outputs.keys) == [
                "stem", "relu", "pool", "fire", "fire.squeeze", "fire.squeeze_activation", "fire.expand1x1",
                "fire.expand1x1_activation", "fire.expand3x3", "fire.expand3x3_activation", "grouped",
                "grouped_relu", "again", "mean",
            ])
        #expect(outputs.values.allSatisfy { $0.count == 5 })
        for image in 0..<5 {
            let before = try #require(outputs["stem"]?[image])
            #expect(before.contains { $0 < 0 })
            #expect(outputs["relu"]?[image] == before.map { max($0, 0) })
            let first = try #require(outputs["fire.expand1x1_activation"]?[image])
            let second = try #require(outputs["fire.expand3x3_activation"]?[image])
            #expect(outputs["fire"]?[image] == first + second)
        }
    }
}
