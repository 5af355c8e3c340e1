import ApusKernels

/// A fully connected layer: `y = x W^T + b`.
///
/// Shapes: `[batch, inputs]` to `[batch, outputs]`. Parameters as PyTorch's: `weight` `[outputs, inputs]` and
/// `bias` `[outputs]`. Backward reads forward's input.
public struct Linear: Layer {
    public let inputs: Int
    public let outputs: Int
    public let hasBias: Bool
    public let weightInitializer: Initializer
    /// By default uniform in ±1 / sqrt(inputs), as in PyTorch.
    public let biasInitializer: Initializer?

    public init(
        inputs: Int, outputs: Int, bias: Bool = true, weightInitializer: Initializer = .fanInUniform,
        biasInitializer: Initializer? = nil
    ) {
        self.inputs = inputs
        self.outputs = outputs
        hasBias = bias
        self.weightInitializer = weightInitializer
        self.biasInitializer = biasInitializer
    }

    /// The short form, as in a paper's table: `Linear(400, 120)`.
    public init(_ inputs: Int, _ outputs: Int) { self.init(inputs: inputs, outputs: outputs) }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard shape.isVector else {
            throw planning.error(
                "expects a vector of \(inputs) features, found a map of \(shape): put Flatten() before it")
        }
        guard shape.channels == inputs else {
            throw planning.error("expects \(inputs) features, found \(shape.channels)")
        }
        guard outputs > 0 else { throw planning.error("needs at least one output") }
        var weight = ParameterSpecification(
            "weight", shape: [outputs, inputs], initializer: weightInitializer)
        weight.hasGradientFactors = GradientFactors.suit(outputs: outputs, inputs: inputs)
        let bias = ParameterSpecification(
            "bias", shape: [outputs],
            initializer: biasInitializer ?? .uniform(bound: 1 / Float(inputs).squareRoot()))
        return LayerPlan(
            output: .features(outputs), parameters: hasBias ? [weight, bias] : [weight],
            scratch: planning.layout == .imagesLast ? [BufferSize(fixed: DirectProduct.scratchCount)] : [],
            multiplyAdds: inputs * outputs, backwardReadsOutput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        guard input.layout != .imagesLast else {
            forwardBlocks(input, into: output, context)
            return
        }
        if hasBias { output.matrix.fillRows(with: context.parameter(1)) }
        multiply(
            input.matrix, weight(context.parameter(0)).transposed, into: output.matrix,
            beta: hasBias ? 1 : 0)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let factors = context.gradientFactors(0)
        if let factors {
            outputGradient.copyVectors(to: factors.outputGradients)
            input.copyVectors(to: factors.inputs)
        }
        let weightGradient = factors == nil ? context.parameterGradient(0) : nil
        guard input.layout != .imagesLast else {
            backwardBlocks(
                outputGradient, input: input, inputGradient: inputGradient, weightGradient, context)
            return
        }
        if let weightGradient {
            multiply(
                outputGradient.matrix.transposed, input.matrix, into: weight(weightGradient.values),
                beta: weightGradient.isAddition ? 1 : 0)
        }
        if hasBias, let gradient = context.gradient(1) {
            outputGradient.matrix.addColumnSums(to: gradient)
        }
        if let target = inputGradient.tensor {
            multiply(
                outputGradient.matrix, weight(context.parameter(0)), into: target.matrix,
                beta: inputGradient.isAddition ? 1 : 0)
        }
    }

    /// Where images are last, a block of them is a matrix of features by images: `y = W x + b`.
    private func forwardBlocks(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        for block in 0..<input.rows {
            let y = output.features(ofBlock: block, filled: true)
            if hasBias { y.fillColumns(with: context.parameter(1)) }
            DirectProduct.multiply(
                weight(context.parameter(0)), .plain(input.features(ofBlock: block, filled: true)), into: y,
                adding: hasBias, scratch: context.scratch(0))
        }
    }

    private func backwardBlocks(
        _ outputGradient: Tensor, input: Tensor, inputGradient: GradientDestination,
        _ weightGradient: ParameterGradient?, _ context: LayerContext
    ) {
        for block in 0..<outputGradient.rows {
            // Sums over images leave out those that are none.
            let dy = outputGradient.features(ofBlock: block)
            if let weightGradient {
                DirectProduct.multiply(
                    dy, .plain(input.features(ofBlock: block).transposed),
                    into: weight(weightGradient.values),
                    adding: weightGradient.isAddition || block > 0, scratch: context.scratch(0))
            }
            if hasBias, let gradient = context.gradient(1) { dy.addRowSums(to: gradient) }
            if let target = inputGradient.tensor {
                DirectProduct.multiply(
                    weight(context.parameter(0)).transposed,
                    .plain(outputGradient.features(ofBlock: block, filled: true)),
                    into: target.features(ofBlock: block, filled: true), adding: inputGradient.isAddition,
                    scratch: context.scratch(0))
            }
        }
    }

    private func weight(_ view: FloatView) -> MatrixView { view.matrix(rows: outputs, columns: inputs) }
}
