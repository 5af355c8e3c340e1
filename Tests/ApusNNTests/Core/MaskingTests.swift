import ApusKernels
import ApusNN
import TestSupport
import Testing

/// ReLUs whose gradient, a mask, the layer after them computes.
@Suite struct MaskingTests {
    private static let shape = Shape(height: 9, width: 7, channels: 3)

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
}
