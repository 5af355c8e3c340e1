import ApusKernels

/// Layers one after the other.
///
/// Activations that follow a layer whose output nobody reads again run in place, and a `Flatten` that moves
/// nothing is not run at all; see `LayerPlan.Storage`.
public struct Sequential: Layer {
    public let layers: [NamedLayer]

    public init(@LayerBuilder _ layers: () -> [NamedLayer]) { self.init(layers()) }

    /// Layers that were named elsewhere; an empty name stands for the position, as in PyTorch.
    public init(_ layers: [NamedLayer]) {
        self.layers = layers.enumerated().map { position, layer in
            guard layer.name.isEmpty else { return layer }
            return NamedLayer(
                name: String(position), layer: layer.layer, isUnnamed: layer.isUnnamed)
        }
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard !layers.isEmpty else { throw planning.error("a Sequential needs at least one layer") }
        var children: [PlannedChild] = []
        var current = shape
        for layer in layers {
            guard !children.contains(where: { $0.name == layer.name }) else {
                throw planning.error("two layers are named \(layer.name)")
            }
            children.append(try planning.child(layer, input: current))
            current = children[children.count - 1].output
        }
        if planning.fusesActivations { try Sequential.fuse(&children, planning) }
        let saved = Sequential.route(&children)
        // Gradients between layers take turns in two buffers.
        let widest = children.dropLast().map(\.stored.count).max() ?? 0
        let turn = BufferSize(perImage: widest)
        var plan = LayerPlan(
            output: current, saved: saved, scratch: children.count > 1 ? [turn, turn] : [],
            backwardReadsInput: true,
            backwardReadsOutput: Sequential.readsOutput(children), children: children)
        plan.savedTakesTurns = true
        return plan
    }

    /// Lets a convolution compute the ReLU after it, which is then no more than another name for its output, and the pooling after
    /// that: all of it where `PooledConvolution` or `AveragedConvolution` can, else the ReLU's gradient where images are last.
    private static func fuse(_ children: inout [PlannedChild], _ planning: Planning) throws {
        for index in children.indices.dropLast() where children[index + 1].layer is ReLU {
            guard let convolution = children[index].layer as? Conv2D else { continue }
            let own = convolution.geometry(input: children[index].input, output: children[index].output)
            let rectified = convolution.rectified(masksGradient: true)
            var fused: any Layer = rectified
            var last = index + 1
            let algorithm = own.algorithm(planning.layout, planning.backend)
            let next = index + 2 < children.count ? children[index + 2] : nil
            if next?.layer is GlobalAveragePool2D, AveragedConvolution.isPossible(own, algorithm) {
                fused = AveragedConv2D(convolution: convolution)
                last = index + 2
            } else if let next, let pool = next.layer as? MaxPool2D {
                let pooling = pool.window.geometry(input: next.input, output: next.output)
                if PooledConvolution.isPossible(own, pooling, algorithm) {
                    fused = PooledConv2D(convolution: rectified, pool: pool)
                    last = index + 2
                } else if let masking = pool.masking(
                    input: next.input, output: next.output, planning.layout)
                {
                    fused = convolution.rectified(masksGradient: false)
                    children[index + 2].layer = masking
                }
            }
            children[index].layer = fused
            children[index].plan = try fused.plan(children[index].input, in: planning)
            let kept = children[last].output
            for child in index...last { children[child].keptOutput = kept }
            for child in index + 1...last {
                children[child].plan = LayerPlan(
                    output: children[child].output, storage: .view, backwardReadsInput: false,
                    backwardReadsOutput: false)
                children[child].placement = .fused
            }
        }
    }

    /// Decides where each output lies; returns the buffers to book.
    private static func route(_ children: inout [PlannedChild]) -> [BufferSize] {
        var saved: [BufferSize] = []
        for index in children.indices {
            let isLast = index == children.count - 1
            if sharesInput(children, index) {
                children[index].route = index == 0 ? .input : children[index - 1].route
            } else {
                saved.append(BufferSize(perImage: children[index].stored.count))
                children[index].route = .saved(saved.count - 1)
            }
            // The last group of layers that share memory writes to the container's own output.
            if isLast {
                let final = children[index].route
                if final == .input {
                    children[index].route = .output
                } else {
                    saved.removeLast()
                    for index in children.indices where children[index].route == final {
                        children[index].route = .output
                    }
                }
            }
        }
        place(&children)
        return saved
    }

    /// Says of layers whose output lies where their input does what that makes of them.
    private static func place(_ children: inout [PlannedChild]) {
        for index in children.indices where children[index].placement != .fused {
            let before = index == 0 ? PlannedChild.Route.input : children[index - 1].route
            guard children[index].route == before else { continue }
            children[index].placement = children[index].plan.storage == .view ? .view : .inPlace
        }
    }

    /// Whether the layer's output may lie over its input.
    private static func sharesInput(_ children: [PlannedChild], _ index: Int) -> Bool {
        switch children[index].plan.storage {
        case .own: return false
        case .view: return index > 0 || children.count > 1
        case .inPlace:
            guard index > 0, children[index - 1].route != .input else { return false }
            // Nobody may read what is overwritten: not this layer, and none that wrote it.
            let writers = children[..<index].reversed().prefix { $0.route == children[index - 1].route }
            return !children[index].plan.backwardReadsInput
                && !writers.contains { $0.plan.backwardReadsOutput && $0.plan.storage != .view }
        }
    }

    private static func readsOutput(_ children: [PlannedChild]) -> Bool {
        children.contains { $0.route == .output && $0.plan.backwardReadsOutput }
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        for index in layers.indices {
            let after = tensor(after: index, input, output, context)
            if context.layer.children[index].isSkipped {
                context.record(child: index, after)
            } else {
                context.forward(child: index, tensor(before: index, input, output, context), into: after)
            }
        }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        var lowest = 0
        if case .discard = inputGradient {
            guard let trained = context.layer.lowestTrained else { return }
            lowest = trained
        }
        var gradient = outputGradient
        var isOurs = false
        var turn = 0
        for index in layers.indices.reversed() where index >= lowest {
            let shape = index == 0 ? input.shape : context.layer.children[index - 1].stored
            let destination: GradientDestination
            if index == 0 {
                destination = inputGradient
            } else if index == lowest {
                destination = .discard
            } else if context.layer.children[index].isSkipped {
                context.recordGradient(child: index, gradient)
                gradient = gradient.viewed(as: shape)
                continue
            } else if isOurs && context.layer.storages[index] == .inPlace {
                destination = .overwrite(gradient)
            } else {
                destination = .overwrite(
                    Tensor(
                        context.scratch(turn), batch: input.batch, shape: shape, layout: input.layout))
                turn = 1 - turn
                isOurs = true
            }
            context.backward(
                child: index, gradient, input: tensor(before: index, input, output, context),
                output: tensor(after: index, input, output, context), inputGradient: destination)
            if let tensor = destination.tensor { gradient = tensor }
        }
    }

    private func tensor(
        before index: Int, _ input: Tensor, _ output: Tensor, _ context: LayerContext
    ) -> Tensor {
        index == 0 ? input : tensor(after: index - 1, input, output, context)
    }

    private func tensor(
        after index: Int, _ input: Tensor, _ output: Tensor, _ context: LayerContext
    ) -> Tensor {
        let shape = context.layer.children[index].stored
        switch context.layer.routes[index] {
        case .output: return output.viewed(as: shape)
        case .input: return input.viewed(as: shape)
        case .saved(let buffer):
            return Tensor(
                context.saved(buffer), batch: input.batch, shape: shape, layout: input.layout)
        }
    }
}

/// Collects the layers written in a block, with `if`, `for` and names.
@resultBuilder
public enum LayerBuilder {
    public static func buildExpression(_ layer: some Layer) -> [NamedLayer] { [layer.named("")] }
    public static func buildExpression(_ layer: any Layer) -> [NamedLayer] {
        [NamedLayer(name: "", layer: layer)]
    }
    public static func buildExpression(_ layer: NamedLayer) -> [NamedLayer] { [layer] }
    public static func buildBlock(_ parts: [NamedLayer]...) -> [NamedLayer] { parts.flatMap { $0 } }
    public static func buildOptional(_ part: [NamedLayer]?) -> [NamedLayer] { part ?? [] }
    public static func buildEither(first part: [NamedLayer]) -> [NamedLayer] { part }
    public static func buildEither(second part: [NamedLayer]) -> [NamedLayer] { part }
    public static func buildArray(_ parts: [[NamedLayer]]) -> [NamedLayer] { parts.flatMap { $0 } }
}
