import ApusKernels
import ApusNN
import Testing

@Suite struct PlanningTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let model: any Layer
        var input = Shape(height: 8, width: 6, channels: 3)
        let path: String
        /// What the reason must say: what was found, and what was expected.
        let says: [String]

        var testDescription: String { "\(path): \(says.joined(separator: ", "))" }
    }

    static let mistakes: [Mistake] = [
        Mistake(
            model: Sequential {
                Conv2D(3, 4, kernel: 1)
                Conv2D(5, 4, kernel: 1)
            }, path: "1", says: ["5", "found 4", "8x6x4"]),
        Mistake(
            model: Sequential { Conv2D(3, 4, kernel: 9).named("conv") }, path: "conv",
            says: ["9x9", "8x6", "no padding"]),
        Mistake(model: Conv2D(3, 4, kernel: 3, dilation: 4), path: "", says: ["3x3", "dilated 4x4", "8x6"]),
        Mistake(
            model: Conv2D(3, 4, kernel: 1, groups: 2), path: "", says: ["2 groups", "3 input", "4 output"]),
        Mistake(model: Conv2D(3, 4, kernel: 1, groups: 0), path: "", says: ["0 groups"]),
        Mistake(model: Conv2D(3, 4, kernel: 0), path: "", says: ["kernel of 0x0"]),
        Mistake(model: Conv2D(3, 4, kernel: 1, stride: 0), path: "", says: ["stride of 0x0"]),
        Mistake(model: Conv2D(3, 4, kernel: 1, padding: -1), path: "", says: ["padding of -1x-1"]),
        Mistake(model: Conv2D(3, 0, kernel: 1), path: "", says: ["output channel"]),
        Mistake(
            model: Sequential {
                Conv2D(3, 4, kernel: 1)
                Sequential { Linear(4, 2).named("fc") }.named("head")
            }, path: "head.fc", says: ["8x6x4", "4 features", "Flatten"]),
        Mistake(
            model: Sequential {
                Flatten()
                Linear(100, 2)
            }, path: "1", says: ["100", "144"]),
        Mistake(model: Linear(3, 0), input: .features(3), path: "", says: ["output"]),
        Mistake(model: Scale(4), path: "", says: ["4 channels", "found 3"]),
        Mistake(model: Softmax(), path: "", says: ["8x6x3"]),
        Mistake(model: Dropout(rate: 1), path: "", says: ["1.0"]),
        Mistake(model: Dropout(rate: -0.5), path: "", says: ["-0.5"]),
        Mistake(model: MaxPool2D(kernelSize: 7), path: "", says: ["7x7", "8x6"]),
        Mistake(model: MaxPool2D(kernelSize: 0), path: "", says: ["window of 0"]),
        Mistake(
            model: MaxPool2D(kernelSize: 2, padding: 2), path: "", says: ["padding of 2", "window of 2"]),
        Mistake(
            model: MaxPool2D(kernelSize: 17), input: Shape(height: 20, width: 20, channels: 1), path: "",
            says: ["17x17", "16x16"]),
        Mistake(model: AveragePool2D(kernelSize: 2, stride: -1), path: "", says: ["stride -1"]),
        Mistake(
            model: Sequential {
                Concat {
                    ReLU().named("same")
                    MaxPool2D(kernelSize: 2).named("half")
                }.named("fork")
            }, path: "fork", says: ["same gives 8x6x3", "half gives 4x3x3"]),
        Mistake(
            model: Sequential { Residual { Conv2D(3, 4, kernel: 1) } }, path: "0",
            says: ["body gives 8x6x4", "shortcut 8x6x3"]),
        Mistake(
            model: Residual(shortcut: Conv2D(2, 3, kernel: 1)) { ReLU() }, path: "shortcut",
            says: ["2 input channels", "found 3"]),
        Mistake(model: Residual { Linear(3, 3) }, path: "0", says: ["8x6x3"]),
        Mistake(model: Sequential([]), path: "", says: ["at least one layer"]),
        Mistake(model: Concat {}, path: "", says: ["at least one branch"]),
        Mistake(model: ReLU(), input: Shape(height: 0, width: 2, channels: 1), path: "", says: ["0x2x1"]),
    ]

    @Test(arguments: mistakes)
    func aMistakeNamesItsPlaceAndBothSides(mistake: Mistake) {
        for layout in Layout.allCases {
            let error = #expect(throws: PlanningError.self) {
                try Network(mistake.model, input: mistake.input, layout: layout)
            }
            #expect(error?.path == mistake.path)
            for words in mistake.says {
                #expect(error?.reason.contains(words) == true, "\(error?.reason ?? "no error")")
            }
        }
    }

    @Test func anErrorReadsAsASentence() {
        #expect(PlanningError(path: "a.b", reason: "is odd").description == "layer a.b: is odd")
        #expect(PlanningError(path: "", reason: "is odd").description == "is odd")
    }

    @Test func containersSumTheCostsOfTheirLayers() throws {
        let network = try Network(
            Sequential {
                Concat {
                    Conv2D(3, 2, kernel: 1)
                    Conv2D(3, 4, kernel: 3, padding: 1)
                }
                Residual { Conv2D(6, 6, kernel: 1) }
                MaxPool2D(kernelSize: 2)
                Flatten()
                Linear(72, 10)
            }, input: Shape(height: 8, width: 6, channels: 3))
        #expect(network.multiplyAdds == 48 * (3 * 2 + 3 * 4 * 9 + 6 * 6) + 72 * 10)
        #expect(network.parameterCount == 3 * 2 + 2 + 3 * 4 * 9 + 4 + 6 * 6 + 6 + 72 * 10 + 10)
        #expect(network.root.children.map(\.path) == ["0", "1", "2", "3", "4"])
        #expect(
            network.root.children.map(\.output.description) == ["8x6x6", "8x6x6", "4x3x6", "72", "10"])
        #expect(
            network.root.children.map(\.layer.kind) == [
                "Concat", "Residual", "MaxPool2D", "Flatten", "Linear",
            ])
    }

    @Test(arguments: [0, -3])
    func anEmptyBatchIsRefused(batchSize: Int) throws {
        let network = try Network(ReLU(), input: .features(3))
        #expect(throws: PlanningError.self) { try Executor(network, batchSize: batchSize) }
    }

    /// A user's layer that plans what cannot be run.
    private struct Careless: Layer {
        var output: Shape
        var storage: LayerPlan.Storage

        func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
            LayerPlan(output: output, storage: storage)
        }
        func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {}
        func backward(
            _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
            _ context: LayerContext
        ) {}
    }

    @Test(arguments: [
        (Shape.features(0), LayerPlan.Storage.own), (.features(7), .view), (.features(72), .inPlace),
    ])
    func aPlanThatCannotRunIsRefused(output: Shape, storage: LayerPlan.Storage) {
        #expect(throws: PlanningError.self) {
            try Network(
                Sequential {
                    Careless(output: output, storage: storage)
                    Flatten()
                }, input: Shape(height: 6, width: 6, channels: 2))
        }
    }
}
