import ApusData
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import ReferenceKernels
import TestSupport
import Testing

@Suite("A head fitted in closed form")
struct RidgeHeadTests {
    /// Layers that end as SqueezeNet's do.
    private static func averaging(_ data: DatasetSplits) throws -> Classifier {
        try Classifier(
            modelName: "averaging",
            network: Network(
                Sequential {
                    Conv2D(1, 12, kernel: 3).named("conv")
                    ReLU().named("relu")
                    Sequential {
                        Dropout(rate: 0.5)
                        Conv2D(12, 5, kernel: 1)
                        ReLU()
                        GlobalAveragePool2D()
                    }.named("classifier")
                }, input: SmallTask.shape, seed: 3, layout: .channelsLast),
            classNames: data.train.classNames, normalization: data.normalization)
    }

    /// The features and the classes of the images of `data`, in double precision.
    private static func samples(
        _ classifier: Classifier, _ data: any Dataset
    ) throws -> (features: [Double], labels: [Int]) {
        let head = try LinearHead(of: classifier.network)
        let part = try classifier.network.part(head.features)
        let batch = try DatasetBatch(#require(data as? ImageDataset), classifier.preprocessing)
        let executor = try Executor(
            part, batchSize: data.count, workers: Workers(count: 1), isTraining: false)
        return withExtendedLifetime(executor) {
            _ = executor.infer(batch, count: data.count)
            return (
                executor.outputs.channelsFirstArray.map { Double($0) }, (0..<data.count).map(data.label(of:))
            )
        }
    }

    @Test("Weights and biases solve the normal equations, the bias without a penalty, up to the scale")
    func normalEquations() throws {
        let data = try SmallTask.data(count: 200)
        let classifier = try SmallTask.classifier(data)
        let (features, labels) = try Self.samples(classifier, data.train)
        let head = try RidgeHead(fitting: classifier, to: data.train, penalties: [0.5])
        #expect(head.penalty == 0.5 && head.trials.isEmpty && head.lift == 0)
        #expect(head.images == 200 && head.features == 12 && head.classes == 5)

        let inputs = (0..<200).flatMap { image -> [Double] in features[image * 12..<(image + 1) * 12] + [1] }
        let targets = labels.flatMap { label -> [Double] in (0..<5).map { $0 == label ? 1 : 0 } }
        var matrix = ReferenceGEMM.multiply(
            rows: 13, columns: 13, depth: 200, inputs, transposeA: true, inputs)
        for feature in 0..<12 { matrix[feature * 14] += 0.5 }
        let sides = ReferenceGEMM.multiply(
            rows: 13, columns: 5, depth: 200, inputs, transposeA: true, targets)
        let expected = ReferenceLinearSolve.solve(matrix, order: 13, sides, columns: 5)
        let network = classifier.network
        let weight = try network.values(of: network.parameter(named: "output.weight"))
        let bias = try network.values(of: network.parameter(named: "output.bias"))
        for target in 0..<5 {
            let row = (0..<12).map { Double(weight[target * 12 + $0]) / head.scale }
            // Rounded to single precision; the penalty bounds the weights by some units.
            expectClose(row, (0..<12).map { expected[$0 * 5 + target] }, absolute: 1e-6, relative: 1e-6)
        }
        expectClose(
            bias.map { Double($0) / head.scale }, Array(expected.suffix(5)), absolute: 1e-6, relative: 1e-6)
    }

    @Test("Nothing but the head changes, and its bits are the same for any number of threads")
    func bits() throws {
        let data = try SmallTask.data(count: 300)
        let (one, other) = try (SmallTask.classifier(data), SmallTask.classifier(data))
        let before = one.network.tensors
        _ = try RidgeHead(fitting: one, to: data.train, threads: 1)
        _ = try RidgeHead(fitting: other, to: data.train, threads: 3)
        #expect(one.bits == other.bits)
        for (old, new) in zip(before, one.network.tensors) {
            #expect((old == new) == !old.name.hasPrefix("output."), "\(old.name)")
        }
    }

    @Test("On random features the head beats chance by far, and its probabilities mean something")
    func accuracy() throws {
        let data = try SmallTask.data(count: 500)
        let classifier = try SmallTask.classifier(data, hidden: 40)
        let before = try classifier.evaluate(data.test)
        let head = try RidgeHead(fitting: classifier, to: data.train)
        let after = try classifier.evaluate(data.test)
        #expect(after.accuracy > 0.7 && after.accuracy > before.accuracy, "chance is 0.2")
        // An even answer has the loss log 5 = 1.61.
        #expect(try #require(after.loss) < 1 && head.scale > 1)
        #expect(head.trials.map(\.penalty) == RidgeHead.defaultPenalties)
        let best = head.trials.min { $0.meanSquaredError! < $1.meanSquaredError! }
        #expect(best?.penalty == head.penalty)
    }

    @Test(
        "After a ReLU, biases are raised until it cuts nothing off, so that outputs are those of least squares"
    )
    func rectified() throws {
        let data = try SmallTask.data(count: 300)
        let classifier = try Self.averaging(data)
        let (features, _) = try Self.samples(classifier, data.train)
        let head = try RidgeHead(fitting: classifier, to: data.train, penalties: [1])
        #expect(head.lift > 0)
        let network = classifier.network
        let weight = try network.values(of: network.parameter(named: "classifier.1.weight"))
        let bias = try network.values(of: network.parameter(named: "classifier.1.bias"))
        let batch = try DatasetBatch(#require(data.train as? ImageDataset), classifier.preprocessing)
        let executor = try Executor(
            network, batchSize: 300, workers: Workers(count: 1), isTraining: false)
        let outputs = withExtendedLifetime(executor) {
            _ = executor.infer(batch, count: 300)
            return executor.outputs.channelsFirstArray
        }
        var expected: [Float] = []
        for image in 0..<300 {
            for target in 0..<5 {
                var sum = Double(bias[target])
                for feature in 0..<12 {
                    sum += Double(weight[target * 12 + feature]) * features[image * 12 + feature]
                }
                expected.append(Float(sum))
            }
        }
        // Averages of 36 maps of 12 products, of numbers up to the lift.
        expectClose(outputs, expected, absolute: 36 * (1 + 2 * head.lift) * 0x1p-23)
    }

    @Test("A class without images has weights of 0, and is never answered")
    func absent() throws {
        let data = try SmallTask.data(count: 200)
        let train = try #require(data.train as? ImageDataset)
        let kept = try train.subset((0..<train.count).filter { train.label(of: $0) != 2 })
        let classifier = try SmallTask.classifier(data)
        _ = try RidgeHead(fitting: classifier, to: kept, penalties: [1])
        let network = classifier.network
        let weight = try network.values(of: network.parameter(named: "output.weight"))
        #expect(weight[24..<36].allSatisfy { $0 == 0 })
        #expect(try network.values(of: network.parameter(named: "output.bias"))[2] == 0)
        let report = try classifier.evaluate(data.test)
        #expect(report.confusion.allSatisfy { $0[2] == 0 })
    }

    @Test("Dead features without a penalty are an error that says what helps, and changes nothing")
    func singular() throws {
        let data = try SmallTask.data(count: 100)
        let classifier = try SmallTask.classifier(data)
        let network = classifier.network
        let hidden = try network.parameter(named: "hidden.weight")
        try network.setValues(
            network.values(of: hidden).enumerated().map { $0 < 64 ? 0 : $1 }, of: hidden)
        let before = classifier.bits
        #expect {
            try RidgeHead(fitting: classifier, to: data.train, penalties: [0])
        } throws: { error in
            guard case RidgeHeadError.singular(0, _)? = error as? RidgeHeadError else { return false }
            return "\(error)".contains("a greater penalty helps")
        }
        #expect(classifier.bits == before)
        let head = try RidgeHead(fitting: classifier, to: data.train, penalties: [0, 1])
        #expect(head.penalty == 1 && head.trials[0].meanSquaredError == nil)
    }

    @Test("What cannot be fitted is refused")
    func refusals() throws {
        let data = try SmallTask.data(count: 5)
        let classifier = try SmallTask.classifier(data)
        for penalties in [[], [-1], [1, .infinity]] as [[Double]] {
            #expect(throws: RidgeHeadError.invalidPenalties(penalties)) {
                try RidgeHead(fitting: classifier, to: data.train, penalties: penalties)
            }
        }
        #expect(throws: RidgeHeadError.tooFewImages(5)) {
            try RidgeHead(fitting: classifier, to: data.train, penalties: [1, 2])
        }
        #expect(try RidgeHead(fitting: classifier, to: data.train, penalties: [1]).scale == 1)
        let pruned = try classifier.constrained(by: WeightConstraints(pruned: ["output.weight"]))
        #expect(throws: RidgeHeadError.constrained(weight: "output.weight")) {
            try RidgeHead(fitting: pruned, to: data.train, penalties: [1])
        }
        let network = classifier.network
        let conv = try network.parameter(named: "conv.weight")
        try network.setValues(
            [Float](repeating: .greatestFiniteMagnitude, count: conv.count), of: conv)
        #expect(throws: RidgeHeadError.notFinite) {
            try RidgeHead(fitting: classifier, to: data.train, penalties: [1])
        }
    }
}
