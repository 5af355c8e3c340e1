import ApusKernels

/// Layers one after the other.
///
/// Activations that follow a layer whose output nobody reads again run in place, and a `Flatten` that moves
/// nothing is not run at all; see `LayerPlan.Storage`. An output that only the next layer's forward pass reads lies in scratch.
public struct Sequential: Layer {
    public let layers: [NamedLayer]
    /// Whether the mask of a ReLU that comes last, right after a convolution, is left to the layer after this one; see
    /// `MaskingLayer`.
    let leavesLastMask: Bool

    public init(@LayerBuilder _ layers: () -> [NamedLayer]) { self.init(layers()) }

    /// Layers that were named elsewhere; an empty name stands for the position, as in PyTorch.
    public init(_ layers: [NamedLayer]) { self.init(layers, leavesLastMask: false) }

    init(_ layers: [NamedLayer], leavesLastMask: Bool) {
        self.leavesLastMask = leavesLastMask
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
        if planning.fusesActivations { try fuse(&children, planning) }
        let saved = Sequential.route(&children)
        // Gradients between layers take turns in two buffers, and before them the outputs that `passOn` puts there.
        let widest = children.dropLast().map(\.stored.count).max() ?? 0
        let turn = BufferSize(perImage: widest)
        var plan = LayerPlan(
            output: current, saved: saved, scratch: children.count > 1 ? [turn, turn] : [],
            backwardReadsInput: Sequential.readsInput(children),
            backwardReadsOutput: Sequential.readsOutput(children, .output), children: children)
        plan.savedTakesTurns = true
        return plan
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
        return passOn(&children, saved)
    }

    /// Puts what only forward reads, in the next layer, to where gradients lie later on, in turns; returns the buffers that are left.
    private static func passOn(_ children: inout [PlannedChild], _ saved: [BufferSize]) -> [BufferSize] {
        var left: [BufferSize] = []
        var turn = 0
        for (buffer, size) in saved.enumerated() {
            let owners = children.indices.filter { children[$0].route == .saved(buffer) }
            let next = owners[owners.count - 1] + 1
            var route = PlannedChild.Route.saved(left.count)
            if children[next].plan.backwardReadsInput || readsOutput(children, .saved(buffer)) {
                left.append(size)
            } else {
                route = .scratch(turn)
                turn = 1 - turn
            }
            for index in owners { children[index].route = route }
        }
        return left
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

    private static func readsInput(_ children: [PlannedChild]) -> Bool {
        children.indices.contains {
            children[$0].plan.backwardReadsInput && ($0 == 0 || children[$0 - 1].route == .input)
        }
    }

    /// Whether a layer reads backward what it has written to `route`.
    private static func readsOutput(_ children: [PlannedChild], _ route: PlannedChild.Route) -> Bool {
        children.contains { $0.route == route && $0.plan.backwardReadsOutput }
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
        case .scratch(let buffer):
            return Tensor(
                context.scratch(buffer), batch: input.batch, shape: shape, layout: input.layout)
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
