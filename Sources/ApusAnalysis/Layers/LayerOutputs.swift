import ApusKernels
import ApusNN
import Synchronization

/// The outputs of a network's layers for some images, or the gradients with respect to them, put together from what an
/// executor shows of a few images at a time.
///
///     let outputs = LayerOutputs(images: batch.count, of: ["conv2"])
///     executor.observer = outputs.observer()
public final class LayerOutputs: Sendable {
    /// What a layer made of the images.
    public struct Output: Sendable, Hashable {
        public let layer: String
        public let kind: String
        /// Of one image.
        public let shape: Shape
        /// `[images, channels, height, width]`.
        public fileprivate(set) var values: [Float]

        /// Image by image.
        public var maps: [FeatureMaps] {
            stride(from: 0, to: values.count, by: shape.count).map {
                FeatureMaps(shape: shape, values: Array(values[$0..<$0 + shape.count]))
            }
        }
    }

    private let images: Int
    private let wanted: Set<String>?
    private let outputs = Mutex<[String: Output]>([:])

    /// - Parameters:
    ///   - images: all that are to be kept.
    ///   - layers: the paths of the layers to keep, by default all.
    public init(images: Int, of layers: Set<String>? = nil) {
        self.images = images
        wanted = layers
    }

    /// Keeps what an executor shows of a batch whose first image is `start`, be it as its `observer` or its
    /// `gradientObserver`; a ReLU or a pool that the layer before it computes is not seen by itself (see
    /// `Network.unfused()`).
    public func observer(from start: Int = 0) -> Executor.Observer {
        { [self] layer, shown, firstImage in
            guard wanted?.contains(layer.path) ?? true else { return }
            record(shown, of: layer, firstImage: start + firstImage)
        }
    }

    private func record(_ shown: Tensor, of layer: PlannedLayer, firstImage: Int) {
        let values = shown.channelsFirstArray
        let start = firstImage * shown.shape.count
        outputs.withLock {
            $0[
                layer.path,
                default: Output(
                    layer: layer.path, kind: layer.layer.kind, shape: shown.shape,
                    values: [Float](repeating: 0, count: images * shown.shape.count))
            ]
            .values.replaceSubrange(start..<start + values.count, with: values)
        }
    }

    /// Those of the images shown last in the order of `network`, containers before what is inside them.
    public func outputs(in network: Network) -> [Output] {
        let outputs = outputs.withLock { $0 }
        return network.namedLayers.compactMap { outputs[$0.path] }
    }

    /// That of a layer, image by image.
    func maps(of layer: PlannedLayer) -> [FeatureMaps] {
        outputs.withLock { $0[layer.path]?.maps ?? [] }
    }
}
