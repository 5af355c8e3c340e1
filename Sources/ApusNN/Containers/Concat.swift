import ApusKernels

/// Branches on one input whose outputs lie side by side, as channels of one output.
///
/// Each branch writes its slice of the joint output, and reads its slice of the gradient: nothing is copied.
public struct Concat: MaskingLayer {
    public let branches: [NamedLayer]

    public init(@LayerBuilder _ branches: () -> [NamedLayer]) {
        self.init(branches())
    }

    init(_ branches: [NamedLayer]) { self.branches = Sequential(branches).layers }

    func leavingMask() -> Concat? {
        let left = branches.compactMap { branch in
            (branch.running as? any MaskingLayer)?.leavingMask().map { branch.running($0) }
        }
        return left.count == branches.count ? Concat(left) : nil
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard !branches.isEmpty else { throw planning.error("a Concat needs at least one branch") }
        var children: [PlannedChild] = []
        for branch in branches {
            guard !children.contains(where: { $0.name == branch.name }) else {
                throw planning.error("two branches are named \(branch.name)")
            }
            let child = try planning.child(branch, input: shape)
            if let first = children.first?.output,
                first.height != child.output.height || first.width != child.output.width
            {
                throw planning.error(
                    "branch \(branch.name) gives \(child.output), branch \(branches[0].name) gives "
                        + "\(first): heights and widths must agree")
            }
            children.append(child)
        }
        let channels = children.reduce(0) { $0 + $1.output.channels }
        let first = children[0].output
        return LayerPlan(
            output: Shape(height: first.height, width: first.width, channels: channels),
            backwardReadsInput: children.contains { $0.plan.backwardReadsInput },
            backwardReadsOutput: children.contains { $0.plan.backwardReadsOutput }, children: children)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        forEachBranch(context) { index, channels in
            context.forward(child: index, input, into: output.channels(channels))
        }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        forEachBranch(context) { index, channels in
            context.backward(
                child: index, outputGradient.channels(channels), input: input,
                output: output.channels(channels),
                inputGradient: index == 0 ? inputGradient : inputGradient.adding)
        }
    }

    private func forEachBranch(
        _ context: LayerContext, _ body: (_ index: Int, _ channels: Range<Int>) -> Void
    ) {
        var start = 0
        for index in branches.indices {
            let channels = start..<start + context.outputShape(ofChild: index).channels
            body(index, channels)
            start = channels.upperBound
        }
    }
}
