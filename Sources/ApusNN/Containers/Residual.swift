import ApusKernels

/// `y = body(x) + shortcut(x)`, the shortcut being the identity unless given (He et al., 2016, "Deep Residual
/// Learning for Image Recognition").
public struct Residual: Layer {
    public let body: any Layer
    public let shortcut: (any Layer)?

    public init(shortcut: (any Layer)? = nil, @LayerBuilder body: () -> [NamedLayer]) {
        self.body = Sequential(body())
        self.shortcut = shortcut
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        let body = try planning.child("body", body, input: shape)
        var children = [body]
        if let shortcut { children.append(try planning.child("shortcut", shortcut, input: shape)) }
        let bypass = children.count > 1 ? children[1].output : shape
        guard body.output == bypass else {
            throw planning.error("the body gives \(body.output), the shortcut \(bypass): they must agree")
        }
        // Each branch keeps its own output, which its backward may read.
        return LayerPlan(
            output: body.output, saved: children.map { BufferSize(perImage: $0.output.count) },
            backwardReadsOutput: false, children: children)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let main = branch(0, input, output, context)
        body.forward(input, into: main, context.child(0))
        var bypass = input
        if let shortcut {
            bypass = branch(1, input, output, context)
            shortcut.forward(input, into: bypass, context.child(1))
        }
        output.zip(main, bypass) { $0 + $1 }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        body.backward(
            outputGradient, input: input, output: branch(0, input, output, context),
            inputGradient: inputGradient, context.child(0))
        if let shortcut {
            shortcut.backward(
                outputGradient, input: input, output: branch(1, input, output, context),
                inputGradient: inputGradient.adding, context.child(1))
        } else {
            inputGradient.adding.apply(outputGradient)
        }
    }

    private func branch(
        _ index: Int, _ input: Tensor, _ output: Tensor, _ context: LayerContext
    ) -> Tensor {
        Tensor(context.saved(index), batch: input.batch, shape: output.shape, layout: input.layout)
    }
}
