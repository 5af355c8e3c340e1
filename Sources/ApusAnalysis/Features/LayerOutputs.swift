import ApusKernels
import ApusNN
import Synchronization

/// The outputs of a network's layers for the images of a batch, put together from those of a few images at a time.
public final class LayerOutputs: Sendable {
    /// What a layer made of the images.
    public struct Output: Sendable, Hashable {
        public let layer: String
        public let kind: String
        /// Of one image.
        public let shape: Shape
        /// `[images, channels, height, width]`.
        public fileprivate(set) var values: [Float]
    }

    private let images: Int
    private let wanted: Set<String>?
    private let outputs = Mutex<[String: Output]>([:])

    /// - Parameters:
    ///   - images: of the batch.
    ///   - layers: the paths of the layers to keep, by default all.
    public init(images: Int, of layers: Set<String>? = nil) {
        self.images = images
        wanted = layers
    }

    /// Keeps what the layers of `executor` put out from now on; a ReLU or a pool that the layer before it computes is
    /// not seen by itself (see `Network.unfused()`).
    public func observe(_ executor: Executor) {
        executor.observer = { [self] layer, output, firstImage in
            guard wanted?.contains(layer.path) ?? true else { return }
            record(output, of: layer, firstImage: firstImage)
        }
    }

    private func record(_ output: Tensor, of layer: PlannedLayer, firstImage: Int) {
        let values = output.channelsFirstArray
        let start = firstImage * output.shape.count
        outputs.withLock {
            $0[
                layer.path,
                default: Output(
                    layer: layer.path, kind: layer.layer.kind, shape: output.shape,
                    values: [Float](repeating: 0, count: images * output.shape.count))
            ]
            .values.replaceSubrange(start..<start + values.count, with: values)
        }
    }

    /// Those of the last batch in the order of `network`, containers before what is inside them.
    public func outputs(in network: Network) -> [Output] {
        let outputs = outputs.withLock { $0 }
        return network.namedLayers.compactMap { outputs[$0.path] }
    }
}
