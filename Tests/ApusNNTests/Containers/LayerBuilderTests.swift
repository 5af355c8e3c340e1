import ApusKernels
import ApusNN
import Testing

@Suite struct LayerBuilderTests {
    private func names(_ model: Sequential) -> [String] { model.layers.map(\.name) }

    @Test(arguments: [true, false])
    func conditionsAndLoopsMakeLayers(isDeep: Bool) throws {
        let model = Sequential {
            Linear(4, 4)
            if isDeep {
                for index in 1...2 {
                    Linear(4, 4).named("deep\(index)")
                    Tanh()
                }
            }
            if isDeep { Tanh() } else { ReLU().named("last") }
        }
        #expect(
            names(model)
                == (isDeep ? ["0", "deep1", "2", "deep2", "4", "5"] : ["0", "last"]))
        let network = try Network(model, input: .features(4))
        #expect(
            network.parameters.map(\.name)
                == (isDeep
                    ? ["0.weight", "0.bias", "deep1.weight", "deep1.bias", "deep2.weight", "deep2.bias"]
                    : ["0.weight", "0.bias"]))
    }

    @Test func layersOfAnyTypeAreTaken() {
        let activation: any Layer = ReLU()
        #expect(names(Sequential { activation }) == ["0"])
        #expect(Sequential { activation }.layers[0].layer.kind == "ReLU")
    }

    @Test func namesReachIntoContainers() throws {
        let model = Sequential {
            Conv2D(2, 3, kernel: 1).named("stem")
            Concat {
                Conv2D(3, 1, kernel: 1).named("left")
                Conv2D(3, 2, kernel: 1, bias: false)
            }.named("fork")
            Residual(shortcut: Conv2D(3, 3, kernel: 1)) { Conv2D(3, 3, kernel: 1).named("only") }
        }
        let network = try Network(model, input: Shape(height: 2, width: 2, channels: 2))
        #expect(
            network.parameters.map(\.name) == [
                "stem.weight", "stem.bias", "fork.left.weight", "fork.left.bias", "fork.1.weight",
                "2.only.weight", "2.only.bias", "2.shortcut.weight", "2.shortcut.bias",
            ])
    }

    @Test func twoLayersOfOneNameAreRefused() {
        let input = Shape(height: 2, width: 2, channels: 2)
        let sequence = Sequential {
            ReLU().named("a")
            ReLU().named("a")
        }
        #expect(throws: PlanningError(path: "", reason: "two layers are named a")) {
            try Network(sequence, input: input)
        }
        let position = Sequential {
            ReLU().named("1")
            ReLU()
        }
        #expect(throws: PlanningError(path: "", reason: "two layers are named 1")) {
            try Network(position, input: input)
        }
        let branches = Sequential {
            Concat {
                ReLU().named("a")
                ReLU().named("a")
            }
        }
        #expect(throws: PlanningError(path: "0", reason: "two branches are named a")) {
            try Network(branches, input: input)
        }
    }
}
