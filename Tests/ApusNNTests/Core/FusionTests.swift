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

    @Test(
        "A ReLU's gradient that the layer after it computes has the bits of the ReLU's own, and what nobody reads again is not kept",
        arguments: Layout.allCases, [Phase.training, .evaluation])
    func handedOver(layout: Layout, phase: Phase) throws {
        let model = Sequential {
            Sequential {
                Conv2D(3, 20, kernel: 3, padding: 1).named("stem")
                ReLU().named("relu")
                Conv2D(20, 9, kernel: 1).named("pointwise")
                ReLU().named("again")
                Fire(9, squeeze: 3, expand: 8).named("first")
                Fire(16, squeeze: 3, expand: 10).named("second")
                MaxPool2D(kernelSize: 3, stride: 2).named("pool")
                Fire(20, squeeze: 4, expand: 6).named("last")
            }.named("features")
            Sequential {
                Dropout(rate: 0.5).named("dropout")
                Conv2D(12, 5, kernel: 1).named("head")
                GlobalAveragePool2D().named("mean")
            }.named("classifier")
        }
        let batch = ArrayBatch(images: uniformArrays(21, of: Self.shape.count, seed: 8))
        let networks = try [true, false].map { fuses in
            try Network(
                model, input: Self.shape, seed: 2, layout: layout, backend: .vector, fusesActivations: fuses)
        }
        let results = try networks.map { network in
            let executor = try Executor(
                network, batchSize: 21, workers: Workers(count: 2), keepsInputGradient: true)
            executor.poisonMemory(with: .nan)
            return StepResult(
                executor, batch, loss: UpstreamLoss(upstream: uniformArrays(21, of: 5, seed: 9)), phase: phase
            )
        }
        #expect(results[0] == results[1])
        #expect(results[0].gradients.allSatisfy { $0.isFinite })
        #expect(results[0].gradients.contains { $0 != 0 })
        guard layout == .channelsLast else { return }
        let kept: [[String: Int]] = try networks.map { network in
            try network.summary(batchSize: 21).layers.reduce(into: [:]) { $0[$1.path] = $1.activationBytes }
        }
        for path in ["features.second", "features"] {
            #expect(kept[0][path] == 0 && kept[1][path]! > 0, "\(path)")
        }
        #expect(kept[0]["features.first"] == kept[1]["features.first"])
    }

    /// Chains in which a ReLU's gradient may be left to the layer after it, or must not.
    enum Chain: String, CaseIterable {
        case networkInNetwork, pooledPointwise, fireBeforeMeans, nestedMeans, nestedPool, dropout, lastDropout
        case branchWithoutReLU, pools, residual, flattened

        @LayerBuilder var layers: [NamedLayer] {
            switch self {
            case .networkInNetwork:
                Conv2D(3, 32, kernel: 3, padding: 1)
                ReLU()
                Conv2D(32, 10, kernel: 1)
                ReLU()
                GlobalAveragePool2D()
            case .pooledPointwise:
                Conv2D(3, 16, kernel: 3, padding: 1)
                ReLU()
                Conv2D(16, 8, kernel: 1)
                ReLU()
                MaxPool2D(kernelSize: 2)
                Conv2D(8, 5, kernel: 1)
                GlobalAveragePool2D()
            case .fireBeforeMeans:
                Fire(3, squeeze: 4, expand: 8)
                Conv2D(16, 10, kernel: 1)
                ReLU()
                GlobalAveragePool2D()
            case .nestedMeans:
                Sequential {
                    Conv2D(3, 5, kernel: 3, padding: 1)
                    ReLU()
                    Fire(5, squeeze: 4, expand: 8)
                }
                Sequential {
                    Conv2D(16, 10, kernel: 1)
                    ReLU()
                    GlobalAveragePool2D()
                }
            case .nestedPool:
                Sequential {
                    Conv2D(3, 6, kernel: 3, padding: 1)
                    ReLU()
                }
                Sequential {
                    Conv2D(6, 8, kernel: 1)
                    ReLU()
                    MaxPool2D(kernelSize: 2)
                }
                Sequential {
                    Conv2D(8, 7, kernel: 1)
                    ReLU()
                }
                Sequential {
                    Conv2D(7, 5, kernel: 1)
                    ReLU()
                }
                GlobalAveragePool2D()
            case .dropout:
                Conv2D(3, 6, kernel: 3, padding: 1)
                ReLU()
                Dropout(rate: 0.5)
                Tanh()
                Conv2D(6, 5, kernel: 1)
                GlobalAveragePool2D()
            case .lastDropout:
                Conv2D(3, 5, kernel: 3, padding: 1)
                ReLU()
                GlobalAveragePool2D()
                Linear(5, 6)
                ReLU()
                Dropout(rate: 0)
            case .branchWithoutReLU:
                Concat {
                    Sequential {
                        Conv2D(3, 5, kernel: 1)
                        ReLU()
                    }
                    Conv2D(3, 4, kernel: 1)
                }
                Conv2D(9, 5, kernel: 1)
                GlobalAveragePool2D()
            case .pools:
                Conv2D(3, 6, kernel: 3, padding: 1)
                ReLU()
                MaxPool2D(kernelSize: 2, stride: 1)
                MaxPool2D(kernelSize: 3, stride: 1)
                AveragePool2D(kernelSize: 2, stride: 1)
                Dropout(rate: 0.25)
                Conv2D(6, 5, kernel: 1)
                GlobalAveragePool2D()
            case .residual:
                Conv2D(3, 6, kernel: 1)
                ReLU()
                Residual {
                    Conv2D(6, 6, kernel: 3, padding: 1)
                    ReLU()
                }
                Conv2D(6, 5, kernel: 1)
                GlobalAveragePool2D()
            case .flattened:
                Conv2D(3, 4, kernel: 3, padding: 1)
                ReLU()
                MaxPool2D(kernelSize: 2)
                AveragePool2D(kernelSize: 2)
                Flatten()
                Dropout(rate: 0.5)
                Linear(8, 5)
            }
        }
    }

    @Test(
        "However layers are put together, fused or not they learn the same and answer with the same bits",
        arguments: Chain.allCases, Layout.allCases)
    func chains(chain: Chain, layout: Layout) throws {
        let batch = ArrayBatch(images: uniformArrays(21, of: Self.shape.count, seed: 8))
        for backend in [Backend.vector, .gemm] where backend == .vector || layout != .imagesLast {
            for freezing in [[], [NamePattern("0.*")]] {
                let networks = try [true, false].map { fuses in
                    try Network(
                        Sequential(chain.layers), input: Self.shape, seed: 2, layout: layout,
                        backend: backend,
                        freezing: freezing, fusesActivations: fuses)
                }
                let upstream = uniformArrays(21, of: networks[0].output.count, seed: 9)
                let results = try networks.map { network in
                    let executor = try Executor(
                        network, batchSize: 21, workers: Workers(count: 2),
                        keepsInputGradient: freezing.isEmpty)
                    executor.poisonMemory(with: .nan)
                    return StepResult(executor, batch, loss: UpstreamLoss(upstream: upstream))
                }
                #expect(results[0].outputs == results[1].outputs)
                // As many terms as pixels of all images, twice, and those of two layers; a lost mask is half of all.
                let tolerance = 2.0 * (21 * 63 + 300) * 0x1p-24
                expectNormClose(results[0].gradients, results[1].gradients, tolerance: tolerance)
                #expect(results[0].gradients.contains { $0 != 0 })
                if freezing.isEmpty {
                    expectNormClose(
                        results[0].inputGradients, results[1].inputGradients, tolerance: tolerance)
                    #expect(results[0].inputGradients.contains { $0 != 0 })
                }
                for count in [1, 21] {
                    let answers = try networks.map { network in
                        let executor = try Executor(
                            network, batchSize: count, workers: Workers(count: 3), isTraining: false)
                        executor.poisonMemory(with: .nan)
                        _ = executor.infer(batch, count: count)
                        return executor.outputs.channelsFirstArray
                    }
                    #expect(answers[0] == answers[1])
                    #expect(answers[0].allSatisfy { $0.isFinite })
                }
            }
        }
    }

    @Test(
        "A layer that is taken out of a planned network is the one that was given", arguments: Layout.allCases
    )
    func taken(layout: Layout) throws {
        let network = try Network(
            Sequential {
                Sequential {
                    Conv2D(3, 6, kernel: 3, padding: 1)
                    ReLU()
                }.named("features")
                Conv2D(6, 5, kernel: 1)
                GlobalAveragePool2D()
            }, input: Self.shape, layout: layout, backend: .vector)
        let other = Sequential {
            network.root.children[0].layer.named("features")
            AveragePool2D(kernelSize: 2)
        }
        let batch = ArrayBatch(images: uniformArrays(5, of: Self.shape.count, seed: 8))
        let results = try [true, false].map { fuses in
            let network = try Network(
                other, input: Self.shape, seed: 2, layout: layout, backend: .vector, fusesActivations: fuses)
            return StepResult(
                try Executor(network, batchSize: 5), batch,
                loss: UpstreamLoss(upstream: uniformArrays(5, of: network.output.count, seed: 9)))
        }
        #expect(results[0] == results[1])
        #expect(results[0].gradients.contains { $0 != 0 })
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
