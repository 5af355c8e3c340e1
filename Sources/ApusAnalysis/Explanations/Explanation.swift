import ApusFormats
import ApusTraining

/// Why a network takes an image for one of a class: how much each place of the image counts for it.
public struct Explanation: Sendable {
    /// As the method gives it: of the size of the layer's maps, or of the network's input.
    public let map: AttributionMap
    /// What the method is called, and the path of the layer it looked at.
    public let method: String
    public let layer: String?
    /// Whether values below zero are evidence against the class; or else there are none.
    public let isSigned: Bool
    /// The names of all classes.
    public let classNames: [String]
    /// The size of the network's input.
    public let inputSize: ImageSize
    /// The class that is explained.
    public let classIndex: Int
    /// The network's output for the class: its logit.
    public let score: Float
    /// What the network says of the image.
    public let prediction: Classifier.Prediction

    public var className: String { classNames[classIndex] }

    /// The method and the layer: `Grad-CAM at conv2`.
    public var title: String { layer.map { "\(method) at \($0)" } ?? method }

    /// The probability of the class that is explained.
    public var probability: Float { prediction.probabilities[classIndex] }

    /// The map in the size of the network's input; see `AttributionMap.resized(to:)`.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func mapOfInput() throws -> AttributionMap { try map.resized(to: inputSize) }
}
