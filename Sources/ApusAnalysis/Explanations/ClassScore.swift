import ApusKernels
import ApusNN

/// The score of each image's class: its logit, before any softmax.
///
/// It is no mean, as losses that are made small are: the gradient of each image is that of its own score, whatever the
/// batch.
struct ClassScore: Loss {
    func check(_ shape: Shape) throws {
        guard shape.isVector else {
            throw PlanningError(reason: "a class's score wants a vector of logits, found a map of \(shape)")
        }
    }

    func evaluate(outputs: Tensor, labels: ArraySlice<Int32>, scale: Float, gradient: Tensor?) -> Double {
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            sum += Double(outputs[image, 0, 0, Int(label)])
            guard let gradient else { continue }
            for index in 0..<outputs.shape.channels {
                gradient[image, 0, 0, index] = index == Int(label) ? 1 : 0
            }
        }
        return sum
    }
}
