import ApusAnalysis
import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import TestSupport
import Testing

@Suite("Embeddings of features")
struct FeatureEmbeddingTests {
    private func vectors(_ rows: [[Double]]) -> FeatureVectors {
        FeatureVectors(
            layer: "layer", count: rows[0].count, images: Array(rows.indices),
            labels: rows.indices.map { $0 % 2 }, classNames: ["even", "odd"],
            values: rows.joined().map { Float($0) })
    }

    @Test("Points that vary along two directions have their places there, from the mean")
    func knownDirections() throws {
        // Uncorrelated, of means 0, the first with the greater variance.
        let (a, b): ([Double], [Double]) = ([3, -3, 3, -3], [1, 1, -1, -1])
        let (u, v) = ([0.6, 0, 0.8], [-0.8, 0, 0.6])
        let rows = zip(a, b).map { a, b in (0..<3).map { Double($0) + a * u[$0] + b * v[$0] } }
        let embedding = try FeatureEmbedding(vectors(rows))
        // A direction's greatest number is positive: u as it is, and v turned round. Features of up to 5 are rounded to
        // single precision, by 2^-24 of them at most; all the rest is double.
        for (point, (a, b)) in zip(embedding.points, zip(a, b)) {
            #expect(abs(point.x - a) < 1e-6 && abs(point.y + b) < 1e-6)
        }
        #expect(embedding.points.map(\.label) == [0, 1, 0, 1] && embedding.classNames == ["even", "odd"])
        #expect(
            abs(embedding.varianceShares[0] - 0.9) < 1e-6 && abs(embedding.varianceShares[1] - 0.1) < 1e-6)
        #expect(embedding.features == 3 && embedding.constantFeatures == 1)
    }

    @Test(
        "The shares are the variances of the coordinates in that of the features, and coordinates are uncorrelated"
    )
    func shares() throws {
        let rows = (0..<40).map { row in uniformFloats(count: 7, seed: UInt64(row)).map(Double.init) }
        let embedding = try FeatureEmbedding(vectors(rows))
        func sum(_ values: [Double]) -> Double { values.reduce(0, +) }
        let total = sum(
            (0..<7).map { feature in
                let mean = sum(rows.map { $0[feature] }) / 40
                return sum(rows.map { ($0[feature] - mean) * ($0[feature] - mean) })
            })
        let (x, y) = (embedding.points.map(\.x), embedding.points.map(\.y))
        // Sums of 40 and of 7 products of numbers below 1, and eigenvectors to a few units in the last place.
        for (values, share) in zip([x, y], embedding.varianceShares) {
            #expect(abs(sum(values)) < 1e-12)
            #expect(abs(sum(values.map { $0 * $0 }) / total - share) < 1e-12)
        }
        #expect(abs(sum(zip(x, y).map { $0 * $1 })) < 1e-12)
        #expect(embedding.varianceShares[0] >= embedding.varianceShares[1])
    }

    @Test("Features that are the same for all images, to the last bit, have no directions")
    func constant() {
        let row = [0.1, 0.7, 1.0 / 3]
        #expect(throws: InspectionError.constantFeatures(layer: "layer", images: 10)) {
            try FeatureEmbedding(vectors([[Double]](repeating: row, count: 10)))
        }
    }

    @Test("Two directions take three images and two features")
    func tooFew() {
        #expect(throws: InspectionError.tooFewImages(found: 2, least: 3)) {
            try FeatureEmbedding(vectors([[1, 2], [2, 1]]))
        }
        #expect(throws: InspectionError.tooFewFeatures(layer: "layer", found: 1)) {
            try FeatureEmbedding(vectors([[1], [2], [3]]))
        }
    }
}

@Suite("Feature vectors")
struct FeatureVectorsTests {
    @Test("are a layer's outputs, of a map the means over its pixels", arguments: ["conv", "relu2"])
    func means(layer: String) throws {
        let (classifier, data) = (try InspectedTask.classifier(), try InspectedTask.images())
        let vectors = try classifier.features(of: data, layer: layer, batchSize: 16)
        let outputs = try InspectedTask.outputs(classifier, data, layer: layer)
        let pixels = outputs.count / (50 * vectors.count)
        let expected = (0..<50 * vectors.count).map { row in
            Float(outputs[row * pixels..<(row + 1) * pixels].reduce(0) { $0 + Double($1) } / Double(pixels))
        }
        // Batches of another extent round in another order: sums of up to 64 products, that come to less than 2 each way.
        expectClose(vectors.values, expected, absolute: 2 * 64 * 0x1p-24)
        #expect(vectors.count == (layer == "conv" ? 4 : 12))
        #expect(vectors.labels == (0..<50).map { data.label(of: $0) })
    }

    @Test(
        "are by default those of the layer before the last with parameters",
        arguments: [
            ("lenet5", "relu4"), ("lenet5-1998", "tanh4"), ("squeezenet1_1", "classifier.0"),
            ("lenet5+fc3=4", "relu4"), ("squeezenet1_1+classifier.1=4", "classifier.0"),
        ])
    func penultimate(model: String, layer: String) throws {
        let data = try DatasetSplits(
            train: InspectedTask.images(), test: InspectedTask.images(count: 4),
            normalization: Normalization(mean: [0.5], deviation: [0.25]))
        let isSmall = model.hasPrefix("lenet5")
        let network = try #require(ModelCatalog.model(named: model, classes: 5))
        let classifier = try Classifier(network, for: data, imageSize: ImageSize(isSmall ? 28 : 32))
        #expect(try classifier.features(of: data.test).layer == layer)
    }

    @Test("are those between two linear layers that are no factors of one")
    func twoLayers() throws {
        let classifier = try InspectedTask.classifier(
            Sequential {
                Flatten().named("flatten")
                Sequential {
                    Linear(64, 12)
                    Linear(12, 5)
                }.named("head")
            })
        #expect(try classifier.features(of: InspectedTask.images()).layer == "head.0")
    }

    @Test("come from no layer where none is before the last, or none goes by the name")
    func refusals() throws {
        let data = try InspectedTask.images()
        let shallow = try InspectedTask.classifier(
            Sequential {
                Conv2D(1, 5, kernel: 8).named("output")
            })
        #expect(throws: InspectionError.noPenultimateLayer) { try shallow.features(of: data) }
        let classifier = try InspectedTask.classifier()
        let error = #expect(throws: UnknownLayerError.self) {
            try classifier.features(of: data, layer: "rleu2")
        }
        #expect(error.map { "\($0)" } == "no layer is called rleu2; did you mean relu2?")
    }

    @Test("are refused where one is not finite, by its image")
    func notFinite() throws {
        let classifier = try InspectedTask.classifier()
        try classifier.network.change("conv.bias") { for place in $0.indices { $0[place] = 1000 } }
        try classifier.network.change("hidden.weight") { for place in $0.indices { $0[place] = 3e38 } }
        #expect(throws: InspectionError.notFinite(layer: "relu2", image: 0)) {
            try classifier.features(of: InspectedTask.images())
        }
    }
}
