import ApusData

/// What the images of each class count in the loss, so that rare classes are heard among common ones.
public enum ClassWeights: Sendable, Hashable {
    /// Images / (classes x images of the class), by which all classes that have images count the same together; 1 for
    /// a class without.
    case balanced
    case values([Double])

    /// The weights for a network of `classes` that learns from images of these labels; see `SoftmaxCrossEntropy`.
    ///
    /// - Throws: `TrainingError.configuration` where a label is none of the classes, there are other classes than weights,
    ///   or a weight is not above 0 and finite.
    public func resolved(labels: some Sequence<Int>, classes: Int) throws -> [Float] {
        switch self {
        case .balanced:
            var counts = [Int](repeating: 0, count: classes)
            for label in labels {
                guard counts.indices.contains(label) else {
                    throw TrainingError.configuration("a label of \(label); there are \(classes) classes")
                }
                counts[label] += 1
            }
            let present = counts.count { $0 > 0 }
            let images = counts.reduce(0, +)
            return counts.map { $0 > 0 ? Float(Double(images) / Double(present * $0)) : 1 }
        case .values(let values):
            guard values.count == classes else {
                throw TrainingError.configuration(
                    "\(values.count) class weights; there are \(classes) classes")
            }
            if let value = values.first(where: { !($0 > 0 && Float($0).isFinite && Float($0) > 0) }) {
                throw TrainingError.configuration("a class weight of \(value); it must be above 0 and finite")
            }
            return values.map { Float($0) }
        }
    }
}
