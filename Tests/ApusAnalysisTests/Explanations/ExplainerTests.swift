import ApusAnalysis
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining
import ReferenceKernels
import TestSupport
import Testing

@Suite("Explainer")
struct ExplainerTests {
    private static let methods: [any ExplanationMethod] = [
        .gradCAM(layer: "pool"), .classActivationMap, .saliency, .smoothGrad(samples: 3), .occlusion(),
    ]

    @Test("What is explained is what the classifier predicts, and by default its most probable class")
    func predictions() throws {
        let network = try ExplainedNetwork()
        let explainer = try Explainer(network.classifier)
        for image in ExplainedNetwork.images(3) {
            let explanation = try explainer.explain(image)
            #expect(explanation.prediction == (try network.classifier.predict(image)))
            #expect(explanation.classIndex == explanation.prediction.classIndex)
            #expect(explanation.className == explanation.prediction.className)
            #expect(explanation.probability == explanation.prediction.confidence)
            let logits = network.reference(try explainer.input(image).map(Double.init)).logits
            expectNormClose(
                [Double(explanation.score)], [logits[explanation.classIndex]],
                tolerance: ExplainedNetwork.tolerance)
            let other = try explainer.explain(image, classIndex: 3)
            #expect(other.classIndex == 3 && other.className == "hen")
            #expect(other.probability == other.prediction.probabilities[3])
        }
    }

    @Test("An image has one map, with whatever images it is explained", arguments: methods)
    func batches(method: any ExplanationMethod) throws {
        let explainer = try Explainer(ExplainedNetwork().classifier)
        let images = ExplainedNetwork.images(35)
        let together = try explainer.explain(images, by: method)
        #expect(together.count == 35)
        for index in [0, 17, 34] {
            let alone = try explainer.explain(images[index], by: method)
            #expect(together[index].prediction.classIndex == alone.prediction.classIndex)
            expectNormClose(
                together[index].map.values, alone.map.values, tolerance: ExplainedNetwork.tolerance)
        }
    }

    @Test("Frozen or not, a network has the same maps", arguments: methods)
    func frozen(method: any ExplanationMethod) throws {
        let images = ExplainedNetwork.images(2)
        let maps = try [[], ["*"], ["conv1.*"]].map { freezing in
            let network = try ExplainedNetwork(.channelsLast, freezing: freezing.map { NamePattern($0) })
            return try Explainer(network.classifier).explain(images, by: method).map(\.map)
        }
        #expect(maps[0] == maps[1] && maps[0] == maps[2])
    }

    @Test("The number of threads changes no bit", arguments: methods)
    func threads(method: any ExplanationMethod) throws {
        let network = try ExplainedNetwork()
        let images = ExplainedNetwork.images(9)
        let maps = try [1, 3].map {
            try Explainer(network.classifier, threads: $0).explain(images, by: method).map(\.map)
        }
        #expect(maps[0] == maps[1])
    }

    @Test("Training that goes on does not change an explainer")
    func isACopy() throws {
        let network = try ExplainedNetwork()
        let explainer = try Explainer(network.classifier)
        let image = ExplainedNetwork.images(1)[0]
        let before = try explainer.explain(image, classIndex: 0)
        network.classifier.network.changeParameters { $0.fill(0) }
        #expect(try explainer.explain(image, classIndex: 0).map == before.map)
    }

    @Test("A map grows to the image's size as in PyTorch")
    func resized() throws {
        let map = AttributionMap(height: 1, width: 2, values: [0, 4])
        let wide = try map.resized(to: ImageSize(height: 2, width: 4))
        #expect(wide.values == [0, 1, 3, 4, 0, 1, 3, 4])
        #expect(wide[1, 2] == 3)
        #expect(try map.resized(to: map.size) == map)
        let explanation = try Explainer(ExplainedNetwork().classifier).explain(ExplainedNetwork.images(1)[0])
        #expect(explanation.map.size == ImageSize(height: 4, width: 3))
        #expect(try explanation.mapOfInput().size == ImageSize(height: 8, width: 6))
    }

    @Test("A class goes by its name, or by its number")
    func classes() throws {
        let explainer = try Explainer(ExplainedNetwork().classifier)
        #expect(try explainer.classIndex("hen") == 3)
        #expect(try explainer.classIndex("4") == 4)
        #expect(throws: ExplanationError.classOutOfRange(index: 5, classes: 5)) {
            try explainer.classIndex("5")
        }
        #expect(throws: ExplanationError.classOutOfRange(index: -1, classes: 5)) {
            try explainer.explain(ExplainedNetwork.images(1), classIndex: -1)
        }
        let unknown = ExplanationError.unknownClass(name: "hem", known: ExplainedNetwork.classNames)
        #expect(throws: unknown) { try explainer.classIndex("hem") }
        #expect("\(unknown)" == "no class is named hem; did you mean hen?")
    }

    @Test("What a method cannot work with is refused")
    func refusals() throws {
        let explainer = try Explainer(ExplainedNetwork().classifier)
        func error(_ method: any ExplanationMethod) -> String {
            do {
                _ = try explainer.explain(ExplainedNetwork.images(1), by: method)
                return "none"
            } catch { return "\(error)" }
        }
        #expect(error(.gradCAM(layer: "conv3")) == "no layer is called conv3; did you mean conv1?")
        #expect(
            error(.gradCAM(layer: "block.stem"))
                == "no layer is called block.stem; the layers are conv1, tanh, pool, conv2, relu, mean, dropout, fc"
        )
        #expect(
            error(.gradCAM(layer: "fc"))
                == "layer fc gives 5 numbers and no map, expected one of the layers conv1, tanh, pool, conv2, relu"
        )
        #expect(error(.smoothGrad(samples: 0)) == "found a number of samples of 0, expected at least 1")
        #expect(error(.smoothGrad(noise: -1)).hasPrefix("found a noise of -1.0, expected a part"))
        #expect(
            error(.occlusion(window: ImageSize(7)))
                == "found a window of 7x7, expected at least 1x1, and at most the network's input of 8x6")
        #expect(
            error(.occlusion(window: ImageSize(2), stride: ImageSize(3)))
                == "found a stride of 3x3, expected at least 1x1, and at most the window of 2x2, for no pixel to be "
                + "left out")
        #expect(error(.occlusion(fill: .nan)) == "found a fill of nan, expected a finite number")
    }

    /// Answers with what is made of a request.
    private struct Answer: ExplanationMethod {
        let name = "Answer"
        let isSigned = true
        let answer: @Sendable (ExplanationRequest) throws -> [AttributionMap]

        func maps(_ request: ExplanationRequest) throws -> [AttributionMap] { try answer(request) }
    }

    @Test("A map that is not finite is refused, by its image", arguments: [Float.nan, .infinity])
    func notFinite(value: Float) throws {
        let explainer = try Explainer(ExplainedNetwork().classifier)
        let method = Answer { request in
            // Of 35 images the last one is the third of a second batch.
            (0..<request.count).map { image in
                let isLast = request.count < 32 && image == request.count - 1
                return AttributionMap(height: 1, width: 2, values: [0, isLast ? value : 1])
            }
        }
        #expect(throws: ExplanationError.notFinite(method: "Answer", image: 34)) {
            try explainer.explain(ExplainedNetwork.images(35), by: method)
        }
    }

    @Test("Nothing is told of a layer without a name, of the whole, or of another network's")
    func unseenLayers() throws {
        let explainer = try Explainer(ExplainedNetwork().classifier)
        let root = explainer.network.root
        let other = try ExplainedNetwork().classifier.network.namedLayers[0]
        for layer in [root, root.children[3], other] {
            let error = ExplanationError.unseenLayer(kind: layer.layer.kind, path: layer.path)
            let outputs = Answer {
                _ = try $0.activations(of: layer); return []
            }
            #expect(throws: error) { try explainer.explain(ExplainedNetwork.images(1), by: outputs) }
            let gradients = Answer {
                _ = try $0.activationsAndGradients(of: layer); return []
            }
            #expect(throws: error) { try explainer.explain(ExplainedNetwork.images(1), by: gradients) }
        }
    }

    @Test("A network whose outputs are no logits is refused")
    func softmax() throws {
        let network = try Network(
            Sequential {
                Flatten().named("flatten")
                Linear(144, 5).named("fc")
                Softmax().named("softmax")
                Dropout(rate: 0.5).named("dropout")
            }, input: ExplainedNetwork.input)
        let classifier = try Classifier(
            modelName: "softmax", network: network, classNames: ExplainedNetwork.classNames,
            normalization: .symmetric(channels: 3))
        #expect(throws: ExplanationError.endsInSoftmax(layer: "softmax")) { try Explainer(classifier) }
    }

    @Test("A network that ends otherwise, or has no maps, is refused with what it ends in")
    func otherNetworks() throws {
        func error(_ method: any ExplanationMethod, _ layers: Sequential) throws -> String {
            let network = try Network(layers, input: ExplainedNetwork.input)
            do {
                _ = try method.layer(in: network)
                return "none"
            } catch { return "\(error)" }
        }
        let flat = Sequential {
            Flatten().named("flatten")
            Linear(144, 5).named("fc")
        }
        #expect(
            try error(.classActivationMap, flat).contains("; found Flatten (flatten), Linear (fc): Grad-CAM"))
        #expect(try error(.gradCAM(), flat) == "\(ExplanationError.noConvolution)")
        let bare = Sequential { GlobalAveragePool2D().named("mean") }
        #expect(try error(.classActivationMap, bare).contains("nothing with a name and maps before mean"))
    }

    /// The gradient times the image (Shrikumar et al., 2016), summed over channels.
    private struct GradientTimesInput: ExplanationMethod {
        let name = "Gradient x input"
        let isSigned = true

        func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
            var maps: [AttributionMap] = []
            try request.forEachInputGradient(of: .unchanged(request.count)) { image, gradient in
                let (shape, input) = (gradient.shape, request.input(image))
                let products = zip(gradient.values, input).map { $0 * $1 }
                maps.append(
                    AttributionMap(
                        height: shape.height, width: shape.width,
                        values: (0..<shape.pixels).map { pixel in
                            stride(from: pixel, to: shape.count, by: shape.pixels)
                                .reduce(0) { $0 + products[$1] }
                        }))
            }
            return maps
        }
    }

    @Test("A method of one's own is asked for as ours are")
    func ownMethod() throws {
        let network = try ExplainedNetwork()
        let explainer = try Explainer(network.classifier)
        let image = ExplainedNetwork.images(1)[0]
        let explanation = try explainer.explain(image, by: GradientTimesInput(), classIndex: 1)
        let input = try explainer.input(image).map(Double.init)
        let gradient = network.inputGradient(of: 1, at: input)
        let products = ReferenceTensor(
            shape: gradient.shape, values: zip(gradient.values, input).map { $0 * $1 })
        expectNormClose(
            explanation.map.values.map(Double.init), products.sum(weights: [1, 1, 1]),
            tolerance: ExplainedNetwork.tolerance)
        #expect(explanation.method == "Gradient x input" && explanation.layer == nil)
    }
}
