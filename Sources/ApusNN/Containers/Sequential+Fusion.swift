import ApusKernels

/// What layers of a `Sequential` compute for each other.
extension Sequential {
    /// Lets a convolution compute the ReLU after it, which is then no more than another name for its output, and the pooling after
    /// that where `PooledConvolution` or `AveragedConvolution` can; then settles who computes masks.
    func fuse(_ children: inout [PlannedChild], _ planning: Planning) throws {
        for index in children.indices.dropLast() where children[index + 1].layer is ReLU {
            guard let convolution = children[index].running as? Conv2D else { continue }
            let own = convolution.geometry(input: children[index].input, output: children[index].output)
            let isLast = index + 2 == children.count
            let rectified = convolution.rectified(masksGradient: !(isLast && leavesLastMask))
            var fused: any Layer = rectified
            var last = index + 1
            let algorithm = own.algorithm(planning.layout, planning.backend)
            let next = isLast ? nil : children[index + 2]
            if next?.layer is GlobalAveragePool2D, AveragedConvolution.isPossible(own, algorithm) {
                fused = AveragedConv2D(convolution: convolution)
                last = index + 2
            } else if let next, let pool = next.running as? MaxPool2D {
                let pooling = pool.window.geometry(input: next.input, output: next.output)
                if PooledConvolution.isPossible(own, pooling, algorithm) {
                    fused = PooledConv2D(convolution: rectified, pool: pool)
                    last = index + 2
                }
            }
            try children[index].replan(as: fused, planning)
            let kept = children[last].output
            for child in index...last { children[child].keptOutput = kept }
            for child in index + 1...last {
                children[child].plan = LayerPlan(
                    output: children[child].output, storage: .view, backwardReadsInput: false,
                    backwardReadsOutput: false)
                children[child].placement = .fused
            }
        }
        try handOverMasks(&children, planning)
    }

    /// Lets each layer that ends in a ReLU leave its mask to the layer after it, where that can take it.
    private func handOverMasks(_ children: inout [PlannedChild], _ planning: Planning) throws {
        let run = children.indices.filter { children[$0].placement != .fused }
        var settled: [Int: any Layer] = [:]
        for (before, after) in zip(run, run.dropFirst()) {
            let next = children[after]
            if let leaving = (settled[before] ?? children[before].running) as? any MaskingLayer,
                let taking = next.running as? any MaskingLayer,
                let left = leaving.leavingMask(), let taken = taking.takingMask(next.input, in: planning)
            {
                settled[before] = left
                settled[after] = taken
            }
        }
        for index in run {
            if let layer = settled[index] { try children[index].replan(as: layer, planning) }
        }
    }

    fileprivate func running(_ layer: any Layer, at index: Int) -> Sequential {
        var layers = layers
        layers[index] = layers[index].running(layer)
        return Sequential(layers, leavesLastMask: leavesLastMask)
    }
}

extension Sequential: MaskingLayer {
    func takingMask(_ shape: Shape, in planning: Planning) -> Sequential? {
        // A convolution that computes its own ReLU and pool too has no mask for nothing.
        if layers.count > 2, layers[1].layer is ReLU,
            layers[2].layer is MaxPool2D || layers[2].layer is GlobalAveragePool2D
        {
            return nil
        }
        return (layers[0].running as? any MaskingLayer)?.takingMask(shape, in: planning).map {
            running($0, at: 0)
        }
    }

    func leavingMask() -> Sequential? {
        let last = layers.count - 1
        if last > 0, layers[last].layer is ReLU, layers[last - 1].layer is Conv2D {
            return Sequential(layers, leavesLastMask: true)
        }
        return (layers[last].running as? any MaskingLayer)?.leavingMask().map { running($0, at: last) }
    }
}

extension PlannedChild {
    /// Lets another layer of the same output run in the place of this one.
    fileprivate mutating func replan(as layer: any Layer, _ planning: Planning) throws {
        let named = NamedLayer(name: name, layer: layer, isUnnamed: isUnnamed)
        plan = try planning.child(named, input: input).plan
        running = layer
    }
}
