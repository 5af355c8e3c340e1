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

    /// The small task's layers in a layout, its images whitened or not.
    private static func classifier(
        _ data: DatasetSplits, _ layout: Layout, isWhitened: Bool
    ) throws -> Classifier {
        let plain = try Preprocessing(SmallTask.shape, normalization: data.normalization)
        return try Classifier(
            modelName: "task",
            network: Network(SmallTask.layers(), input: SmallTask.shape, seed: 5, layout: layout),
            classNames: data.train.classNames,
            preprocessing: isWhitened ? plain.whitened(.init(.zca), on: data.train) : plain)
    }

    /// What weights in single precision, a scale taken back, leave of an equation: each of its products changes by
    /// 2^-24 of itself where the weight is rounded; all else is in double precision, some 2^-50.
    @Test(
        "Weights and biases solve the normal equations, the bias without a penalty, up to the scale",
        arguments: Layout.allCases, [false, true])
    func normalEquations(layout: Layout, isWhitened: Bool) throws {
        let data = try SmallTask.data(count: 200)
        let classifier = try Self.classifier(data, layout, isWhitened: isWhitened)
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
        let network = classifier.network
        let weight = try network.values(of: network.parameter(named: "output.weight"))
        let bias = try network.values(of: network.parameter(named: "output.bias"))
        for target in 0..<5 {
            let found = (weight[target * 12..<(target + 1) * 12] + [bias[target]]).map {
                Double($0) / head.scale
            }
            for row in 0..<13 {
                let products = (0..<13).map { matrix[row * 13 + $0] * found[$0] }
                let rest = products.reduce(-sides[row * 5 + target], +)
                let tolerance = products.reduce(0) { $0 + abs($1) } * (0x1p-24 + 0x1p-50)
                #expect(abs(rest) <= tolerance, "equation \(row) of class \(target)")
            }
        }
    }

    @Test(
        "A tenth of each class is held out, in whatever order the images come",
        arguments: [(500, 5), (300, 10), (105, 7)])
    func heldOut(count: Int, classes: Int) throws {
        let mixed = try SmallTask.images(count: count, classes: classes)
        let sorted = try mixed.subset((0..<count).sorted { mixed.label(of: $0) < mixed.label(of: $1) })
        for data in [mixed, sorted] {
            let images = HeadSamples.heldOut(of: data)
            #expect(Set(images).count == count / 10 && images.count == count / 10)
            let shares = Dictionary(grouping: images, by: data.label(of:)).mapValues(\.count)
            #expect(shares.count == classes)
            for (label, share) in shares {
                let tenth = (0..<count).count { data.label(of: $0) == label } / 10
                #expect(tenth...tenth + 1 ~= share)
            }
        }
    }

    /// Double precision on both sides, from the same features; solving 41 equations loses as much of it as their condition
    /// says, which is greatest for the least penalty: the least eigenvalue counts with it.
    @Test("Errors are those on images held out of the fit, and the penalty is that of the least")
    func choice() throws {
        let data = try SmallTask.data(count: 250, classes: 10)
        let classifier = try SmallTask.classifier(data, hidden: 40)
        let (features, labels) = try Self.samples(classifier, data.train)
        let apart = Set(HeadSamples.heldOut(of: data.train))
        let inputs = (0..<250).map { Array(features[$0 * 40..<($0 + 1) * 40]) + [1] }
        let kept = (0..<250).filter { !apart.contains($0) }
        let rows = kept.flatMap { inputs[$0] }
        let targets = kept.flatMap { image in (0..<10).map { $0 == labels[image] ? 1.0 : 0 } }
        let penalties = [1e-3, 1, 30, 1e4]
        let matrix = ReferenceGEMM.multiply(
            rows: 41, columns: 41, depth: kept.count, rows, transposeA: true, rows)
        let sides = ReferenceGEMM.multiply(
            rows: 41, columns: 10, depth: kept.count, rows, transposeA: true, targets)
        let errors = penalties.map { penalty in
            var penalized = matrix
            for feature in 0..<40 { penalized[feature * 42] += penalty }
            let weights = ReferenceLinearSolve.solve(penalized, order: 41, sides, columns: 10)
            return apart.reduce(0.0) { sum, image in
                (0..<10).reduce(sum) { sum, target in
                    let output = (0..<41).reduce(0.0) { $0 + weights[$1 * 10 + target] * inputs[image][$1] }
                    let distance = output - (target == labels[image] ? 1 : 0)
                    return sum + distance * distance
                }
            } / Double(apart.count)
        }
        let head = try RidgeHead(fitting: classifier, to: data.train, penalties: penalties)
        let condition = head.condition * head.penalty / penalties[0]
        for (trial, error) in zip(head.trials, errors) {
            let found = try #require(trial.meanSquaredError)
            #expect(abs(found - error) <= 41 * 41 * condition * 0x1p-52 * error)
        }
        #expect(head.penalty == zip(errors, penalties).min { $0.0 < $1.0 }?.1)
    }

    @Test("Of images in files and in memory the head has the same bits", arguments: [false, true])
    func files(isWhitened: Bool) throws {
        let tree = try ImageTree()
        let (files, memory) = try SmallTask.files(in: tree)
        let bits = try [files, memory].map { data in
            let classifier = try Self.classifier(memory, .channelsFirst, isWhitened: isWhitened)
            _ = try RidgeHead(fitting: classifier, to: data.train)
            return classifier.bits
        }
        #expect(bits[0] == bits[1])
    }

    @Test("Weights too great for single precision are an error, and change nothing")
    func overflow() throws {
        let data = try SmallTask.data(count: 200)
        let classifier = try SmallTask.classifier(data)
        // Features near the least normal number, that differ by 2^-14 of themselves: what tells them apart is multiplied
        // with some 2^134, and the greatest number is 2^128.
        let network = classifier.network
        let values = try network.values("hidden.weight")
        try network.set(
            "hidden.weight",
            values.indices.map { 0x1p-120 * (values[$0 % 64] + ($0 < 64 ? 0 : 0x1p-14 * values[$0])) })
        try network.set("hidden.bias", [Float](repeating: 0, count: 12))
        let before = classifier.bits
        #expect(throws: RidgeHeadError.notFinite) {
            try RidgeHead(fitting: classifier, to: data.train, penalties: [0])
        }
        #expect(classifier.bits == before)
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
