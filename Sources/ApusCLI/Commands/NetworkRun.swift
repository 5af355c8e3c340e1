import ApusFormats
import ApusKernels
import ApusNN
import Synchronization

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
        let activations = Activations(images: batch.count)
        if recordsActivations {
            executor.observer = { layer, output, firstImage in
                activations.record(output, of: layer.path, firstImage: firstImage)
            }
        }
        let loss = batch.labels.map { _ in SoftmaxCrossEntropy() }
        try loss?.check(network.output)
        // What the executor gives are views of its memory.
        return withExtendedLifetime(executor) {
            let outcome: Executor.Outcome
            if computesGradients, let loss {
                outcome = executor.computeGradients(
                    batch, count: batch.count, loss: loss, phase: phase, seed: seed)
                executor.reduceGradients(0..<network.trainedFloats)
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
            return tensors + activations.tensors(in: network)
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

/// The outputs of layers, put together from those of a few images at a time.
private final class Activations: Sendable {
    private struct Output {
        /// Of one image.
        let shape: Shape
        /// `[images, channels, height, width]`.
        var values: [Float]
    }

    private let images: Int
    private let outputs = Mutex<[String: Output]>([:])

    init(images: Int) { self.images = images }

    func record(_ output: Tensor, of path: String, firstImage: Int) {
        let values = output.channelsFirstArray
        let start = firstImage * output.shape.count
        outputs.withLock {
            $0[
                path,
                default: Output(
                    shape: output.shape, values: [Float](repeating: 0, count: images * output.shape.count))
            ]
            .values.replaceSubrange(start..<start + values.count, with: values)
        }
    }

    /// A tensor for each layer, containers before what is inside them.
    func tensors(in network: Network) -> [FileTensor] {
        let outputs = outputs.withLock { $0 }
        func tensors(of layer: PlannedLayer) -> [FileTensor] {
            let own = layer.isUnnamed ? nil : outputs[layer.path]
            let tensor = own.map {
                FileTensor(
                    name: "act.\(layer.path)", shape: $0.shape.shape(of: images), floats: $0.values)
            }
            return [tensor].compactMap(\.self) + layer.children.flatMap(tensors(of:))
        }
        return tensors(of: network.root)
    }
}
