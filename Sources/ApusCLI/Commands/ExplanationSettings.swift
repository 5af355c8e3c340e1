import ApusAnalysis
import ApusFormats

/// How `apus explain` explains: a method, and what it can be told.
struct ExplanationSettings {
    enum Method: String, CaseIterable, ArgumentValue {
        case cam
        case gradCAM = "grad-cam"
        case saliency
        case smoothGrad = "smoothgrad"
        case occlusion
    }

    private static let method = Option(
        "method", "name", default: Method.gradCAM,
        help: "What is asked of the network; see below.")
    private static let layer = Option<String?>(
        "layer", short: "l", "path", absent: "the last convolution that gives a map",
        help: "grad-cam: the layer whose maps are looked at, as apus summary names it.")
    private static let samples = Option<Int?>(
        "samples", "n", absent: "\(SmoothGrad.defaultSamples)", .between(1, and: 10_000),
        help: "smoothgrad: noisy copies of an image.")
    private static let noise = Option<Double?>(
        "noise", "x", absent: SmoothGrad.defaultNoise.argument, .between(0, and: 10),
        help: "smoothgrad: the deviation of the noise, as a part of the image's range.")
    private static let seed = Option<UInt64?>(
        "seed", short: "s", "n", absent: "0", help: "smoothgrad: start of the random numbers.")
    private static let window = Option<ImageSize?>(
        "window", "HxW", absent: "a seventh of the image",
        help: "occlusion: what is covered, in pixels of the network's input.")
    private static let stride = Option<ImageSize?>(
        "stride", "HxW", absent: "half the window", help: "occlusion: how far the window moves.")
    private static let fill = Option<Double?>(
        "fill", "x", absent: "0, the mean of the training images, unless --mean said otherwise",
        .between(-1000, and: 1000), help: "occlusion: what the network sees there, normalised.")

    static let options: [any OptionDeclaration] = [
        method, layer, samples, noise, seed, window, stride, fill,
    ]

    static let glossary = Glossary(
        "Methods",
        [
            (
                Method.cam.argument,
                "Class activation map: the last maps by their weights for the class. For networks that end in the "
                    + "mean of maps, such as SqueezeNet. Below zero is evidence against the class."
            ),
            (
                Method.gradCAM.argument,
                "The maps of a layer by the means of the class's gradient with respect to them, summed; what is below "
                    + "zero is left out. For any convolution, and what follows one."
            ),
            (
                Method.saliency.argument,
                "The magnitude of the class's gradient with respect to each pixel: where a small change would matter."
            ),
            (
                Method.smoothGrad.argument,
                "The same for the mean gradient of noisy copies: saliency with less grain."
            ),
            (
                Method.occlusion.argument,
                "What the class's probability loses where a window of the image is covered; below zero, what it gains. "
                    + "The slowest: the network runs once for each place of the window."
            ),
        ])

    let method: any ExplanationMethod

    init(_ arguments: ParsedArguments) throws {
        let name = arguments[Self.method]
        let own: [any OptionDeclaration] =
            switch name {
            case .cam, .saliency: []
            case .gradCAM: [Self.layer]
            case .smoothGrad: [Self.samples, Self.noise, Self.seed]
            case .occlusion: [Self.window, Self.stride, Self.fill]
            }
        let known = Set(own.map(\.name) + [Self.method.name])
        for option in Self.options where arguments.contains(option) && !known.contains(option.name) {
            throw UsageError.other(
                "\(option.spelling) does not go with \(Self.method.spelling) \(name.argument)")
        }
        switch name {
        case .cam: method = .classActivationMap
        case .gradCAM: method = .gradCAM(layer: arguments[Self.layer])
        case .saliency: method = .saliency
        case .smoothGrad:
            method = .smoothGrad(
                samples: arguments[Self.samples] ?? SmoothGrad.defaultSamples,
                noise: arguments[Self.noise] ?? SmoothGrad.defaultNoise,
                seed: arguments[Self.seed] ?? 0)
        case .occlusion:
            method = .occlusion(
                window: arguments[Self.window], stride: arguments[Self.stride],
                fill: Float(arguments[Self.fill] ?? 0))
        }
    }
}
