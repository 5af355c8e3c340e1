import ApusAnalysis
import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import TestSupport
import Testing

/// `ExplainedNetwork`'s classifier, and what is made of it.
enum ChangedClassifier: CaseIterable {
    case factored, pruned, whitened, averaged

    func classifier() throws -> Classifier {
        let classifier = try ExplainedNetwork().classifier
        switch self {
        case .factored:
            let ranks = LayerRanks([.init(path: "conv2", rank: 4), .init(path: "fc", rank: 3)])
            return try LowRankCompression(classifier, energy: nil, ranks: ranks).classifier
        case .pruned: return try Pruning(classifier, sparsity: 0.5).classifier
        case .whitened:
            return try Classifier(
                modelName: classifier.modelName, network: classifier.network,
                classNames: classifier.classNames,
                preprocessing: classifier.preprocessing.whitened(.init(.zca), on: Self.images()))
        case .averaged:
            let images = try Self.images()
            let data = try DatasetSplits(
                train: images, test: images, normalization: classifier.preprocessing.normalization)
            let trainer = try Trainer(
                classifier, on: data, TrainingConfiguration(epochs: 1, batchSize: 10, averageDecay: 0.9))
            try trainer.fit()
            return trainer.tested
        }
    }

    /// Generated images of its classes.
    static func images() throws -> ImageDataset {
        let images = try ImageDataset.synthetic(
            count: 40, shape: ExplainedNetwork.input, classes: 5, seed: 2, split: "test")
        return try ImageDataset(
            name: images.name, split: images.split, shape: images.shape,
            pixels: (0..<images.count).flatMap { Array(images.image(at: $0)) }, labels: images.labels,
            classNames: ExplainedNetwork.classNames)
    }
}

@Suite("Compressed, whitened and averaged classifiers")
struct ChangedClassifierTests {
    @Test(
        "are explained as they predict: a class activation map's mean and the bias are the score",
        arguments: ChangedClassifier.allCases)
    func explanations(change: ChangedClassifier) throws {
        let classifier = try change.classifier()
        let explainer = try Explainer(classifier)
        let bias = try #require(classifier.network.parameters.last { $0.name.hasSuffix("bias") })
        for image in ExplainedNetwork.images(3) {
            let map = try explainer.explain(image, by: .classActivationMap)
            #expect(map.layer == "relu" && map.map.values.contains { $0 != 0 })
            #expect(map.prediction == (try classifier.predict(image)))
            let values = map.map.values.map { Double($0) }
            let mean = values.reduce(0, +) / Double(values.count)
            let constant = Double(classifier.network.values(of: bias)[map.classIndex])
            #expect(
                abs(mean + constant - Double(map.score))
                    <= ExplainedNetwork.tolerance * (abs(mean) + abs(constant)))
            let gradient = try explainer.explain(image, by: .gradCAM(layer: "relu"))
            expectNormClose(
                gradient.map.values.map { Double($0) * Double(values.count) }, values.map { max(0, $0) },
                tolerance: ExplainedNetwork.tolerance)
        }
    }

    @Test("have their features before the last layer, factored or not", arguments: ChangedClassifier.allCases)
    func features(change: ChangedClassifier) throws {
        let vectors = try change.classifier().features(of: ChangedClassifier.images())
        #expect(vectors.layer == "dropout" && vectors.count == 6)
        #expect(try FeatureEmbedding(vectors).points.count == 40)
    }

    @Test("A layer that is factored goes by its own path: the outputs are those of its second factor")
    func paths() throws {
        let classifier = try ChangedClassifier.factored.classifier()
        let image = ExplainedNetwork.images(1)[0]
        let explanation = try Explainer(classifier).explain(image, by: .gradCAM(layer: "conv2"))
        #expect(explanation.layer == "conv2.1")
        #expect(try Explainer(classifier).explain(image).map == explanation.map)
        #expect(try classifier.features(of: ChangedClassifier.images(), layer: "fc").layer == "fc.1")
        let maps = try classifier.featureMaps(of: image, layers: ["conv2", "fc.*"])
        #expect(maps.map(\.layer) == ["conv2.1", "fc.0", "fc.1"])
        let error = #expect(throws: UnknownLayerError.self) { try classifier.network.layer(at: "conv3") }
        #expect(error?.path == "conv3" && error?.known.contains("conv2.1") == true)
    }
}
