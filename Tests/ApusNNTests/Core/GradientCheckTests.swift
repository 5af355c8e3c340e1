import ApusKernels
import ApusNN
import Testing

/// `y = gain x^2`, with a gain for each channel, and one mistake or none.
private struct Squares: Layer {
    enum Mistake: CaseIterable {
        case none, forgetsFactor, forgetsGain, swapsChannels, overwritesGradient, alwaysOverwrites, alwaysAdds
        case ignoresAddition, readsOutput, readsScratch, readsScratchForward
    }
    let mistake: Mistake

    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(
            output: shape,
            parameters: [ParameterSpecification("gain", shape: [shape.channels], initializer: .constant(1))],
            scratch: [BufferSize(fixed: shape.channels)], backwardReadsOutput: false)
    }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let gain = context.parameter(0)
        let unwritten = mistake == .readsScratchForward ? context.scratch(0)[0] : 0
        forEach(input) { n, y, x, c in
            output[n, y, x, c] = gain[c] * input[n, y, x, c] * input[n, y, x, c] + unwritten
        }
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let gain = context.parameter(0)
        let sums = context.scratch(0)
        if mistake != .readsScratch { sums.fill(0) }
        forEach(input) { n, y, x, c in
            var square = input[n, y, x, c] * input[n, y, x, c]
            if mistake == .readsOutput { square = output[n, y, x, c] / gain[c] }
            let place = mistake == .swapsChannels ? input.shape.channels - 1 - c : c
            sums[place] += outputGradient[n, y, x, c] * square
        }
        if mistake == .overwritesGradient, let gradient = context.gradient(0) {
            for c in 0..<input.shape.channels { gradient[c] = sums[c] }
        } else if let gradient = context.parameterGradient(0) {
            let adds = gradient.isAddition && mistake != .alwaysOverwrites || mistake == .alwaysAdds
            for c in 0..<input.shape.channels {
                gradient.values[c] = sums[c] + (adds ? gradient.values[c] : 0)
            }
        }
        guard let target = inputGradient.tensor else { return }
        let isAdded = inputGradient.isAddition && mistake != .ignoresAddition
        forEach(input) { n, y, x, c in
            var value = outputGradient[n, y, x, c] * input[n, y, x, c]
            if mistake != .forgetsFactor { value *= 2 }
            if mistake != .forgetsGain { value *= gain[c] }
            target[n, y, x, c] = value + (isAdded ? target[n, y, x, c] : 0)
        }
    }

    private func forEach(_ tensor: Tensor, _ body: (Int, Int, Int, Int) -> Void) {
        for n in 0..<tensor.batch {
            for y in 0..<tensor.shape.height {
                for x in 0..<tensor.shape.width {
                    for c in 0..<tensor.shape.channels { body(n, y, x, c) }
                }
            }
        }
    }
}

/// Zero, whatever it sees.
private struct Nothing: Layer {
    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan { LayerPlan(output: shape) }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) { output.fill(0) }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) { inputGradient.clear() }
}

@Suite struct GradientCheckTests {
    private let shape = Shape(height: 3, width: 4, channels: 2)

    @Test func aRightLayerPassesInEveryLayout() throws {
        // Of each layout and surrounding: 40 of the input's 48 numbers, but for those near the square's flat place, and
        // the gains.
        let compared = try checkGradients(of: Squares(mistake: .none), input: shape)
        #expect((3 * 76...3 * 86).contains(compared))
    }

    @Test(arguments: Squares.Mistake.allCases.filter { $0 != .none }, Layout.allCases)
    fileprivate func everyMistakeIsFound(mistake: Squares.Mistake, layout: Layout) throws {
        let error = #expect(throws: GradientCheckError.self) {
            try checkGradients(of: Squares(mistake: mistake), input: shape, layouts: [layout])
        }
        switch (mistake, try #require(error)) {
        case (.overwritesGradient, .notAdded(let name, let found)),
            (.alwaysOverwrites, .notAdded(let name, let found)):
            #expect(name == "gain" && found == layout)
        case (.alwaysAdds, .wrong(let name, _, let backward, _, _)):
            #expect(name == "layer.gain" && backward.isNaN)
        case (.ignoresAddition, .wrong(let name, _, _, _, _)), (.forgetsFactor, .wrong(let name, _, _, _, _)),
            (.forgetsGain, .wrong(let name, _, _, _, _)):
            #expect(name == "input")
        case (.swapsChannels, .wrong(let name, let place, let backward, let differences, let found)):
            #expect(name == "layer.gain" && place < 2 && backward != differences && found == layout)
        case (.readsOutput, .wrong), (.readsScratch, .wrong): break
        case (.readsScratchForward, .notFinite(let found)): #expect(found == layout)
        case (_, let other): Issue.record("\(mistake) was found as \(other)")
        }
    }

    @Test func ourOwnLayersPass() throws {
        let layers: [any Layer] = [
            Conv2D(2, 3, kernel: 3, padding: 1), Conv2D(2, 4, kernel: 2, stride: 2),
            Sequential {
                Flatten()
                Linear(24, 5)
            },
            Fire(2, squeeze: 2, expand: 3), Residual(Conv2D(2, 2, kernel: 1)), Scale(2), Tanh(), ScaledTanh(),
            Sigmoid(), AveragePool2D(kernelSize: 2), GlobalAveragePool2D(), ReLU(), MaxPool2D(kernelSize: 2),
            Dropout(rate: 0.5),
            Sequential {
                Flatten()
                Softmax()
            },
        ]
        for layer in layers {
            #expect(throws: Never.self, "\(layer.kind)") { try checkGradients(of: layer, input: shape) }
        }
    }

    @Test func whatNothingMovesIsSaid() {
        let error = #expect(throws: GradientCheckError.self) {
            try checkGradients(of: Nothing(), input: shape, layouts: [.channelsFirst])
        }
        #expect(error == .nothingCompared(name: "input", layout: .channelsFirst))
        #expect(
            error?.description
                == "input, channelsFirst: found no number that moves the output smoothly; nothing was compared"
        )
    }

    @Test func aLayerThatDoesNotFitSaysSo() {
        #expect(throws: PlanningError.self) { try checkGradients(of: Conv2D(3, 4, kernel: 1), input: shape) }
    }
}
