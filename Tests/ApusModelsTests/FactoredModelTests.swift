import ApusModels
import ApusNN
import Testing

@Suite struct FactoredModelTests {
    @Test("The name says which layers are factored, and the catalogue builds them from it")
    func name() throws {
        let ranks = try LayerRanks(parsing: "conv2=8,fc1=20")
        let model = try LeNet5(classes: 7).factored(ranks)
        #expect(model.variantName == "lenet5+conv2=8,fc1=20")
        let found = try #require(ModelCatalog.model(named: "lenet5+conv2=8,fc1=20", classes: 7))
        #expect(found.variantName == model.variantName && found.classes == 7)
        let network = try Network(found)
        #expect(try network.layout == Network(LeNet5()).layout)
        #expect(
            network.parameters.map { "\($0.name) \($0.shape)" } == [
                "conv1.weight [6, 1, 5, 5]", "conv1.bias [6]", "conv2.0.weight [8, 6, 5, 5]",
                "conv2.1.weight [16, 8, 1, 1]", "conv2.1.bias [16]", "fc1.0.weight [20, 400]",
                "fc1.1.weight [120, 20]", "fc1.1.bias [120]", "fc2.weight [84, 120]", "fc2.bias [84]",
                "fc3.weight [7, 84]", "fc3.bias [7]",
            ])
        // conv1, conv2 in two on 10x10 pixels, and the rest.
        #expect(network.multiplyAdds == 117_600 + 100 * (8 * 150 + 16 * 8) + 20 * 520 + 10_080 + 588)
    }

    @Test("A factored layer's parts can be factored too, in the order of the name")
    func nested() throws {
        let model = try #require(ModelCatalog.model(named: "lenet5+fc1=20,fc1.0=5"))
        let names = try Network(model).parameters.map(\.name).filter { $0.hasPrefix("fc1") }
        #expect(names == ["fc1.0.0.weight", "fc1.0.1.weight", "fc1.1.weight", "fc1.1.bias"])
        #expect(ModelCatalog.model(named: "lenet5+fc1.0=5,fc1=20") == nil)
    }

    @Test("Every convolution of SqueezeNet can be factored", arguments: ["", "-complex-bypass"])
    func squeezeNet(suffix: String) throws {
        let base = try #require(ModelCatalog.model(named: "squeezenet1_1" + suffix))
        let network = try Network(base, input: .init(height: 64, width: 64, channels: 3))
        let paths = network.parameters.map(\.name).filter { $0.hasSuffix(".weight") }.map { $0.dropLast(7) }
        let model = try base.factored(LayerRanks(paths.map { .init(path: String($0), rank: 2) }))
        let factored = try Network(model, input: .init(height: 64, width: 64, channels: 3))
        #expect(factored.parameters.count == network.parameters.count / 2 * 3)
        #expect(factored.output == network.output)
        #expect(
            FactoredName(model.variantName).title
                == "squeezenet1_1\(suffix) with \(paths.count) layers factored")
        #expect(ModelCatalog.model(named: model.variantName)?.variantName == model.variantName)
    }

    @Test(
        "A name that asks for what there is not is no model's",
        arguments: [
            "lenet5+fc9=3", "lenet5+relu1=3", "lenet5+fc1=0", "lenet5+fc1=-1", "lenet5+fc1=99999999",
            "lenet5+fc1", "lenet5+", "lenet5+fc1=3,", "lenet5+=3", "lenet6+fc1=3", "lenet5+fc1=3=4",
        ])
    func unknown(name: String) { #expect(ModelCatalog.model(named: name) == nil) }

    @Test("What cannot be factored is named, with what can")
    func refusals() throws {
        let error = #expect(throws: FactoringError.self) {
            try LeNet5().factored(try LayerRanks(parsing: "fc4=3"))
        }
        #expect("\(try #require(error))".contains("no layer fc4"))
        #expect("\(try #require(error))".contains("conv1, conv2, fc1, fc2, fc3"))
        #expect(throws: FactoringError.text("fc1=x")) { try LayerRanks(parsing: "fc1=x") }
    }
}
