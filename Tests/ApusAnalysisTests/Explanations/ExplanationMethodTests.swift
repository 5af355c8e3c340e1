import ApusAnalysis
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation
import ReferenceKernels
import TestSupport
import Testing

@Suite("Methods of explanation")
struct ExplanationMethodTests {
    /// Images and, in turn, a class for each that need not be the most probable one.
    private static let classIndex = 2

    /// Expects that a method's maps are those of a reference, which is given each image's input.
    private func expectMaps(
        of method: any ExplanationMethod, in layout: Layout, size: ImageSize,
        equal reference: (_ network: ExplainedNetwork, _ input: [Double]) throws -> [Double]
    ) throws {
        let network = try ExplainedNetwork(layout)
        let explainer = try Explainer(network.classifier, threads: 2)
        let images = ExplainedNetwork.images(3)
        let explanations = try explainer.explain(images, by: method, classIndex: Self.classIndex)
        for (image, explanation) in zip(images, explanations) {
            let input = try explainer.input(image).map(Double.init)
            let expected = try reference(network, input)
            #expect(explanation.map.size == size)
            #expect(expected.contains { $0 != 0 })
            expectNormClose(
                explanation.map.values.map(Double.init), expected, tolerance: ExplainedNetwork.tolerance)
            #expect(explanation.isSigned || explanation.map.values.allSatisfy { $0 >= 0 })
        }
    }

    @Test(
        "Grad-CAM is the rectified sum of a layer's maps, by the means of their central differences",
        arguments: ExplainedNetwork.layersWithMaps, Layout.allCases)
    func gradCAM(layer: String, layout: Layout) throws {
        let isPooled = ["pool", "conv2", "relu"].contains(layer)
        try expectMaps(
            of: .gradCAM(layer: layer), in: layout,
            size: isPooled ? .init(height: 4, width: 3) : .init(height: 8, width: 6)
        ) { network, input in
            let output = try #require(network.reference(input).outputs[layer])
            let gradient = centralDifferences(
                of: { network.reference(input, offsets: $0, at: layer).logits[Self.classIndex] },
                at: [Double](repeating: 0, count: output.count))
            let means = ReferenceTensor(shape: output.shape, values: gradient).planes
                .map { $0.reduce(0, +) / Double($0.count) }
            return output.sum(weights: means).map { max(0, $0) }
        }
    }

    @Test(
        "A class activation map is the sum of the last maps, by the class's weights",
        arguments: Layout.allCases)
    func classActivationMap(layout: Layout) throws {
        try expectMaps(of: .classActivationMap, in: layout, size: .init(height: 4, width: 3)) {
            network, input in
            let maps = try #require(network.reference(input).outputs["relu"])
            return maps.sum(weights: network.lastWeights(of: Self.classIndex))
        }
    }

    @Test(
        "Its mean and the bias are the class's score, and by the number of pixels it is Grad-CAM, rectified")
    func classActivationMapIsTheScore() throws {
        let network = try ExplainedNetwork()
        let explainer = try Explainer(network.classifier)
        let images = ExplainedNetwork.images(4)
        let maps = try explainer.explain(images, by: .classActivationMap)
        let gradients = try explainer.explain(images, by: .gradCAM(layer: "relu"))
        for (map, gradient) in zip(maps, gradients) {
            let pixels = Double(map.map.values.count)
            let mean = map.map.values.reduce(0) { $0 + Double($1) } / pixels
            let score = mean + network.lastBias(of: map.classIndex)
            #expect(abs(score - Double(map.score)) <= ExplainedNetwork.tolerance * abs(score))
            expectNormClose(
                gradient.map.values.map { Double($0) * pixels },
                map.map.values.map { max(0, Double($0)) }, tolerance: ExplainedNetwork.tolerance)
        }
    }

    @Test(
        "Saliency is the greatest magnitude of the image's gradient in any channel",
        arguments: Layout.allCases)
    func saliency(layout: Layout) throws {
        try expectMaps(of: .saliency, in: layout, size: .init(height: 8, width: 6)) { network, input in
            network.inputGradient(of: Self.classIndex, at: input).greatestMagnitudes
        }
    }

    @Test("SmoothGrad is that of the mean gradient of noisy copies", arguments: Layout.allCases)
    func smoothGrad(layout: Layout) throws {
        let method = SmoothGrad(samples: 5, noise: 0.2, seed: 8)
        try expectMaps(of: method, in: layout, size: .init(height: 8, width: 6)) { network, input in
            let deviation = 0.2 * ((input.max() ?? 0) - (input.min() ?? 0))
            let gradients = (0..<5).map { sample in
                let random = CounterRandom(seed: 8, purpose: .smoothing, epoch: sample)
                let noisy = input.indices.map { input[$0] + deviation * Double(random.normal(at: $0)) }
                return network.inputGradient(of: Self.classIndex, at: noisy)
            }
            let mean = gradients[0].values.indices.map { place in
                gradients.reduce(0) { $0 + $1.values[place] } / 5
            }
            return ReferenceTensor(shape: gradients[0].shape, values: mean).greatestMagnitudes
        }
    }

    @Test("SmoothGrad without noise is saliency, and its noise has the deviation that was asked for")
    func noise() throws {
        let explainer = try Explainer(ExplainedNetwork().classifier)
        let images = ExplainedNetwork.images(3)
        let plain = try explainer.explain(images, by: .saliency)
        let still = try explainer.explain(images, by: .smoothGrad(samples: 3, noise: 0))
        #expect(still.map(\.map) == plain.map(\.map))
        let noisy = try explainer.explain(images, by: .smoothGrad(samples: 3, noise: 0.1))
        #expect(zip(noisy, plain).allSatisfy { $0.map != $1.map })
        // Of 100,000 normal numbers the deviation strays from 1 by 0.0022 on average.
        let random = CounterRandom(seed: 0, purpose: .smoothing)
        let squares = (0..<100_000).reduce(0.0) { $0 + pow(Double(random.normal(at: $1)), 2) }
        #expect(abs((squares / 100_000).squareRoot() - 1) < 0.01)
    }

    /// Windows whose last places do not follow by the stride: 8 rows from 0, 2, 4, 5; 6 columns from 0, 2, 4.
    private static let occlusion = Occlusion(
        window: .init(height: 3, width: 2), stride: .init(height: 2, width: 2), fill: 0.25)

    @Test(
        "Occlusion is what the probability loses, the mean of all windows over a pixel",
        arguments: Layout.allCases)
    func occlusion(layout: Layout) throws {
        try expectMaps(of: Self.occlusion, in: layout, size: .init(height: 8, width: 6)) { network, input in
            func probability(_ input: [Double]) -> Double {
                let logits = network.reference(input).logits
                return exp(logits[Self.classIndex]) / logits.reduce(0) { $0 + exp($1) }
            }
            var (sums, counts) = ([Double](repeating: 0, count: 48), [Double](repeating: 0, count: 48))
            for top in [0, 2, 4, 5] {
                for left in [0, 2, 4] {
                    let pixels = (top..<top + 3).flatMap { y in (left..<left + 2).map { y * 6 + $0 } }
                    var covered = input
                    for pixel in pixels { for channel in 0..<3 { covered[channel * 48 + pixel] = 0.25 } }
                    for pixel in pixels {
                        sums[pixel] += probability(input) - probability(covered)
                        counts[pixel] += 1
                    }
                }
            }
            return zip(sums, counts).map { $0 / $1 }
        }
    }

    @Test("The layer that is looked at by default is the last convolution with maps, the last maps for a CAM")
    func defaults() throws {
        func layers(_ model: any Model) throws -> [String?] {
            let network = try Network(model).unfused()
            return [
                try GradCAM().layer(in: network)?.path, try? ClassActivationMap().layer(in: network)?.path,
            ]
        }
        #expect(try layers(LeNet5()) == ["conv2", nil])
        #expect(try layers(LeNet5Tutorial()) == ["conv3", nil])
        #expect(try layers(SqueezeNet1_1(classes: 10)) == ["classifier.1", "classifier.2"])
    }
}
