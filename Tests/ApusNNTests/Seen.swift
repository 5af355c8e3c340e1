import ApusKernels
import ApusNN
import Synchronization
import Testing

/// What an observer was shown, by path and image, on any thread.
final class Seen: Sendable {
    private let noted = Mutex<[String: [Int: [Float]]]>([:])

    var outputs: [String: [Int: [Float]]] { noted.withLock { $0 } }

    /// What was shown of a layer, of all images one after the other.
    func values(_ path: String) -> [Float] {
        (outputs[path] ?? [:]).sorted { $0.key < $1.key }.flatMap(\.value)
    }

    @Sendable func note(_ layer: PlannedLayer, _ output: Tensor, firstImage: Int) {
        for image in 0..<output.batch {
            let values = output.images(image..<image + 1).channelsFirstArray
            noted.withLock {
                #expect(
                    $0[layer.path]?[firstImage + image] == nil,
                    "\(layer.path) of image \(firstImage + image) was seen twice")
                $0[layer.path, default: [:]][firstImage + image] = values
            }
        }
    }
}
