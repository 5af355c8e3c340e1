import ApusKernels
import ApusModels
import ApusNN
import Testing

/// Numbers without a comment are those of torchvision's `squeezenet1_0` and `squeezenet1_1`.
@Suite("SqueezeNet")
struct SqueezeNetTests {
    static let names = ["squeezenet1_0", "squeezenet1_1"]
    static let bypassed = names.flatMap { name in
        SqueezeNetBypass.allCases.map { "\(name)\($0 == .none ? "" : "-\($0.rawValue)-bypass")" }
    }

    private func network(_ name: String, classes: Int = 1000, height: Int = 224, width: Int = 224) throws
        -> Network
    {
        let model = try #require(ModelCatalog.model(named: name, classes: classes))
        return try Network(model, input: Shape(height: height, width: width, channels: 3), seed: 1)
    }

    @Test(
        "parameters and multiply-adds are torchvision's",
        arguments: [
            ("squeezenet1_0", 1_248_424, 818_924_576), ("squeezenet1_1", 1_235_496, 349_151_936),
        ])
    func counts(name: String, parameters: Int, multiplyAdds: Int) throws {
        let network = try network(name)
        #expect(network.parameterCount == parameters)
        #expect(network.multiplyAdds == multiplyAdds)
    }

    @Test(
        "every shape is torchvision's",
        arguments: [
            (
                "squeezenet1_0",
                """
                109x109x96 109x109x96 54x54x96 54x54x128 54x54x128 54x54x256 27x27x256 \
                27x27x256 27x27x384 27x27x384 27x27x512 13x13x512 13x13x512
                """
            ),
            (
                "squeezenet1_1",
                """
                111x111x64 111x111x64 55x55x64 55x55x128 55x55x128 27x27x128 27x27x256 \
                27x27x256 13x13x256 13x13x384 13x13x384 13x13x512 13x13x512
                """
            ),
        ])
    func shapes(name: String, trace: String) throws {
        let layers = try network(name).root.children
        #expect(layers.map(\.path) == ["features", "classifier"])
        let features = try #require(layers.first).children
        #expect(features.map(\.path) == (0..<13).map { "features.\($0)" })
        #expect(features.map { "\($0.output)" }.joined(separator: " ") == trace)
        let classifier = try #require(layers.last).children
        #expect(
            classifier.map { "\($0.path) \($0.output)" } == [
                "classifier.0 13x13x512", "classifier.1 13x13x1000", "classifier.2 13x13x1000",
                "classifier.3 1000",
            ])
    }

    /// The maps after the first convolution and the three pools. Rounded down, 54 rows would give 26.
    @Test(
        "pools round up",
        arguments: [
            ("squeezenet1_0", 224, 224, "109x109x96 54x54x96 27x27x256 13x13x512"),
            ("squeezenet1_0", 227, 227, "111x111x96 55x55x96 27x27x256 13x13x512"),
            ("squeezenet1_0", 96, 96, "45x45x96 22x22x96 11x11x256 5x5x512"),
            ("squeezenet1_0", 75, 101, "35x48x96 17x24x96 8x12x256 4x6x512"),
            ("squeezenet1_1", 224, 224, "111x111x64 55x55x64 27x27x128 13x13x256"),
            ("squeezenet1_1", 227, 227, "113x113x64 56x56x64 28x28x128 14x14x256"),
            ("squeezenet1_1", 96, 96, "47x47x64 23x23x64 11x11x128 5x5x256"),
            ("squeezenet1_1", 75, 101, "37x50x64 18x25x64 9x12x128 4x6x256"),
        ])
    func pools(name: String, height: Int, width: Int, trace: String) throws {
        let network = try network(name, height: height, width: width)
        let resizing = network.root.children[0].children.filter {
            ["Conv2D", "MaxPool2D"].contains($0.layer.kind)
        }
        #expect(resizing.map { "\($0.output)" }.joined(separator: " ") == trace)
        #expect(network.output == .features(1000))
    }

    /// A row of a table of fire modules: the place among the features, and channels.
    typealias FireRow = (place: Int, inputs: Int, squeeze: Int, expand: Int)

    @Test(
        "parameters have torchvision's names and shapes, in its order",
        arguments: [
            (
                "squeezenet1_0", "[96, 3, 7, 7]",
                [
                    (3, 96, 16, 64), (4, 128, 16, 64), (5, 128, 32, 128), (7, 256, 32, 128),
                    (8, 256, 48, 192), (9, 384, 48, 192), (10, 384, 64, 256), (12, 512, 64, 256),
                ] as [FireRow]
            ),
            (
                "squeezenet1_1", "[64, 3, 3, 3]",
                [
                    (3, 64, 16, 64), (4, 128, 16, 64), (6, 128, 32, 128), (7, 256, 32, 128),
                    (9, 256, 48, 192), (10, 384, 48, 192), (11, 384, 64, 256), (12, 512, 64, 256),
                ] as [FireRow]
            ),
        ])
    func parameters(name: String, first: String, fires: [FireRow]) throws {
        let expected =
            ["features.0.weight \(first)", "features.0.bias [\(fires[0].inputs)]"]
            + fires.flatMap { place, inputs, squeeze, expand in
                [
                    "squeeze.weight [\(squeeze), \(inputs), 1, 1]", "squeeze.bias [\(squeeze)]",
                    "expand1x1.weight [\(expand), \(squeeze), 1, 1]", "expand1x1.bias [\(expand)]",
                    "expand3x3.weight [\(expand), \(squeeze), 3, 3]", "expand3x3.bias [\(expand)]",
                ].map { "features.\(place).\($0)" }
            }
            + ["classifier.1.weight [1000, 512, 1, 1]", "classifier.1.bias [1000]"]
        #expect(try network(name).parameters.map { "\($0.name) \($0.shape)" } == expected)
    }

    @Test(
        "weights start uniform in ±sqrt(6 / fan-in), the last ones normal of deviation 0.01, biases at 0",
        arguments: bypassed)
    func initialization(name: String) throws {
        let network = try network(name)
        for parameter in network.parameters {
            let values = network.values(of: parameter)
            let greatest = values.reduce(0) { max($0, abs($1)) }
            if parameter.name.hasSuffix(".bias") {
                #expect(greatest == 0, "\(parameter.name)")
            } else if parameter.name == "classifier.1.weight" {
                // Of 512,000 numbers, the deviation is known to within 0.1 %.
                let square = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
                #expect(abs(square.squareRoot() / 0.01 - 1) < 0.005)
                // Normal, not uniform: the greatest are near 4.9 deviations.
                #expect(greatest > 0.04)
            } else {
                let fanIn = parameter.shape.dropFirst().reduce(1, *)
                let bound = (6 / Float(fanIn)).squareRoot()
                #expect(greatest <= bound * (1 + 0x1p-23) && greatest > 0.98 * bound, "\(parameter.name)")
            }
        }
    }

    /// By hand from the paper's section 6: modules 3, 5, 7 and 9 keep the number of channels.
    @Test(
        "a simple bypass goes around the modules that keep the number of channels, and adds no parameter",
        arguments: [("squeezenet1_0", [4, 7, 9, 12]), ("squeezenet1_1", [4, 7, 10, 12])])
    func simpleBypass(name: String, places: [Int]) throws {
        let (plain, bypassed) = (try network(name), try network("\(name)-simple-bypass"))
        let features = bypassed.root.children[0].children
        #expect(features.indices.filter { features[$0].layer is Residual } == places)
        #expect(bypassed.parameters.map(\.name) == plain.parameters.map(\.name))
        #expect(bypassed.parameterCount == plain.parameterCount)
        #expect(bypassed.multiplyAdds == plain.multiplyAdds)
        #expect(features.map(\.output) == plain.root.children[0].children.map(\.output))
    }

    /// By hand: the sum over modules 2, 4, 6 and 8 of inputs times outputs plus outputs, and of pixels times
    /// inputs times outputs.
    @Test(
        "a complex bypass adds a 1x1 convolution around each of the other modules",
        arguments: [
            (
                "squeezenet1_0", 341_248, 346_374_144,
                ["3 [128, 96, 1, 1]", "5 [256, 128, 1, 1]", "8 [384, 256, 1, 1]", "10 [512, 384, 1, 1]"]
            ),
            (
                "squeezenet1_1", 337_152, 98_508_800,
                ["3 [128, 64, 1, 1]", "6 [256, 128, 1, 1]", "9 [384, 256, 1, 1]", "11 [512, 384, 1, 1]"]
            ),
        ])
    func complexBypass(name: String, parameters: Int, multiplyAdds: Int, shortcuts: [String]) throws {
        let (plain, bypassed) = (try network(name), try network("\(name)-complex-bypass"))
        let features = bypassed.root.children[0].children
        #expect(features.count { $0.layer is Residual } == 8)
        #expect(bypassed.parameterCount == plain.parameterCount + parameters)
        #expect(bypassed.multiplyAdds == plain.multiplyAdds + multiplyAdds)
        #expect(features.map(\.output) == plain.root.children[0].children.map(\.output))
        let weights = bypassed.parameters.filter { $0.name.hasSuffix(".shortcut.weight") }
        #expect(
            weights.map { "\($0.name) \($0.shape)" }
                == shortcuts.map {
                    "features.\($0.replacing(" ", with: ".shortcut.weight ", maxReplacements: 1))"
                })
    }

    @Test("a variant is found again by its name", arguments: bypassed)
    func variants(name: String) throws {
        #expect(try #require(ModelCatalog.model(named: name, classes: 7)).variantName == name)
    }

    @Test("another number of classes changes the last convolution alone", arguments: names, [1, 2, 10, 1001])
    func classes(name: String, classes: Int) throws {
        let (thousand, network) = (try network(name), try network(name, classes: classes))
        #expect(network.parameterCount == thousand.parameterCount + (classes - 1000) * 513)
        #expect(network.output == .features(classes))
        #expect(network.parameters.dropLast(2).map(\.shape) == thousand.parameters.dropLast(2).map(\.shape))
    }

    @Test("no classes are refused", arguments: names)
    func noClasses(name: String) {
        #expect(throws: PlanningError.self) { try network(name, classes: 0) }
    }

    @Test(
        "images that are too small are refused where they no longer fit, as torchvision does",
        arguments: [
            (
                "squeezenet1_0", 6, 40, "features.0",
                "a 7x7 kernel does not fit its 6x40 input with no padding"
            ),
            ("squeezenet1_0", 17, 17, "features.11", "a 3x3 window does not fit its 1x1 input"),
            (
                "squeezenet1_1", 40, 2, "features.0",
                "a 3x3 kernel does not fit its 40x2 input with no padding"
            ),
            ("squeezenet1_1", 7, 7, "features.5", "a 3x3 window does not fit its 1x1 input"),
        ])
    func smallImages(name: String, height: Int, width: Int, path: String, reason: String) {
        #expect(throws: PlanningError(path: path, reason: reason)) {
            try network(name, height: height, width: width)
        }
    }

    @Test("grey images are refused", arguments: names)
    func greyImages(name: String) throws {
        let model = try #require(ModelCatalog.model(named: name, classes: 10))
        #expect(
            throws: PlanningError(
                path: "features.0", reason: "expects 3 input channels, found 1 in its input 28x28x1")
        ) { try Network(model, input: Shape(height: 28, width: 28, channels: 1)) }
    }
}
