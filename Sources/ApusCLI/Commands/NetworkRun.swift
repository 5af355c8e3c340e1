import ApusAnalysis
import ApusFormats
import ApusKernels
import ApusNN

/// Runs a network on a batch, and gives what comes of it PyTorch's names and layout.
struct NetworkRun {
    let network: Network
    let batch: BatchFile
    let computesGradients: Bool
    let recordsActivations: Bool
    let phase: Phase
    let seed: UInt64
    let threads: Int?

    /// | tensor | shape | |
    /// |---|---|---|
    /// | `logits` | `[images, classes]` | the network's output |
    /// | `loss` | `[1]` | the mean cross-entropy, where the batch has labels |
    /// | `act.<path>` | `[images, channels, height, width]` or `[images, features]` | a layer's output |
    /// | `grad.<name>` | the parameter's | the gradient of the loss |
    /// | `grad.input` | `[images, channels, height, width]` | the gradient of the loss |
    ///
    /// - Throws: `PlanningError` where the batch is too large, `AllocationError` where memory runs out.
    func tensors() throws -> [FileTensor] {
        let executor = try Executor(
            network, batchSize: batch.count, workers: Workers(count: threads), isTraining: computesGradients,
            keepsInputGradient: computesGradients)
        let activations = LayerOutputs(images: batch.count)
        if recordsActivations { executor.observer = activations.observer() }
        let loss = batch.labels.map { _ in SoftmaxCrossEntropy() }
        try loss?.check(network.output)
        // What the executor gives are views of its memory.
        return withExtendedLifetime(executor) {
            let outcome: Executor.Outcome
            if computesGradients, let loss {
                outcome = executor.computeGradients(
                    batch, count: batch.count, loss: loss, phase: phase, seed: seed)
                executor.reduceGradients()
            } else {
                outcome = executor.infer(batch, count: batch.count, loss: loss, phase: phase, seed: seed)
            }
            var tensors = [
                FileTensor(
                    name: "logits", shape: network.output.shape(of: batch.count),
                    floats: executor.outputs.channelsFirstArray)
            ]
            if loss != nil {
                tensors.append(FileTensor(name: "loss", shape: [1], floats: [Float(outcome.loss)]))
            }
            let outputs = activations.outputs(in: network).map {
                FileTensor(
                    name: "act.\($0.layer)", shape: $0.shape.shape(of: batch.count), floats: $0.values)
            }
            return tensors + outputs
                + (computesGradients ? gradients(executor) : [])
        }
    }

    private func gradients(_ executor: Executor) -> [FileTensor] {
        let parameters = network.parameters.map {
            FileTensor(
                name: "grad.\($0.name)", shape: $0.shape,
                floats: network.values(of: $0, in: executor.gradients))
        }
        let input = executor.inputGradients.map {
            FileTensor(
                name: "grad.input",
                shape: [batch.count, batch.shape.channels, batch.shape.height, batch.shape.width],
                floats: $0.channelsFirstArray)
        }
        return parameters + [input].compactMap(\.self)
    }
}

extension Shape {
    /// What a file says of so many images or vectors of this extent.
    fileprivate func shape(of images: Int) -> [Int] {
        isVector ? [images, channels] : [images, channels, height, width]
    }
}
