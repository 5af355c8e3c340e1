import ApusKernels

/// `y = body(x) + shortcut(x)`, the shortcut being the identity unless given (He et al., 2016, "Deep Residual
/// Learning for Image Recognition").
///
/// The layers of the body are named as if they stood in its place; the shortcut's name is `shortcut`.
public struct Residual: Layer {
    public let body: any Layer
    public let shortcut: (any Layer)?

    public init(shortcut: (any Layer)? = nil, @LayerBuilder body: () -> [NamedLayer]) {
        self.init(Sequential(body()), shortcut: shortcut)
    }

    public init(_ body: any Layer, shortcut: (any Layer)? = nil) {
        self.body = body
        self.shortcut = shortcut
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        let body = try planning.child(body.unnamed, input: shape)
        var children = [body]
        if let shortcut { children.append(try planning.child("shortcut", shortcut, input: shape)) }
        let bypass = children.count > 1 ? children[1].output : shape
        guard body.output == bypass else {
            throw planning.error("the body gives \(body.output), the shortcut \(bypass): they must agree")
        }
        // Each branch keeps its own output, which its backward may read.
        return LayerPlan(
            output: body.output, saved: children.map { BufferSize(perImage: $0.output.count) },
            backwardReadsInput: children.contains { $0.plan.backwardReadsInput },
            backwardReadsOutput: false, children: children)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let main = branch(0, input, output, context)
        context.forward(child: 0, input, into: main)
        var bypass = input
        if shortcut != nil {
            bypass = branch(1, input, output, context)
            context.forward(child: 1, input, into: bypass)
        }
        output.zip(main, bypass) { $0 + $1 }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        context.backward(
            child: 0, outputGradient, input: input, output: branch(0, input, output, context),
            inputGradient: inputGradient)
        if shortcut != nil {
            context.backward(
                child: 1, outputGradient, input: input, output: branch(1, input, output, context),
                inputGradient: inputGradient.adding)
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
