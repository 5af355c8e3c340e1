import ApusFormats
import ApusKernels
import Foundation

/// A part of an image, of random area, shape and place.
struct RandomWindow {
    let rows: Range<Int>
    let columns: Range<Int>

    /// The window of one of several attempts, each with random numbers of its own; nil where it does not fit.
    ///
    /// - Parameters:
    ///   - area: the window's, as a part of the image's; uniform.
    ///   - ratio: its width over its height; uniform in its logarithm.
    ///   - greatest: the size that it must not exceed.
    init?(
        of image: ImageSize, area: ClosedRange<Double>, ratio: ClosedRange<Double>, greatest: ImageSize,
        attempt: Int, _ random: CounterRandom
    ) {
        let logarithms = log(ratio.lowerBound)...log(ratio.upperBound)
        let pixels = random.uniform(in: area, at: 8 * attempt) * Double(image.height * image.width)
        let shape = exp(random.uniform(in: logarithms, at: 8 * attempt + 1))
        let width = Int((pixels * shape).squareRoot().rounded())
        let height = Int((pixels / shape).squareRoot().rounded())
        guard height >= 1, height <= greatest.height, width >= 1, width <= greatest.width else { return nil }
        // Whole numbers take two words each.
        let top = random.integer(below: image.height - height + 1, at: 4 * attempt + 1)
        let left = random.integer(below: image.width - width + 1, at: 4 * attempt + 2)
        self.init(top: top, left: left, height: height, width: width)
    }

    init(top: Int, left: Int, height: Int, width: Int) {
        rows = top..<top + height
        columns = left..<left + width
    }
}

extension TransformError {
    /// - Throws: `.invalidValue` where a window of such areas or shapes makes no sense.
    static func checkWindow(area: ClosedRange<Double>, ratio: ClosedRange<Double>) throws(TransformError) {
        for bound in [area.lowerBound, area.upperBound] { try check(bound, "area", in: 0.0001...1) }
        for bound in [ratio.lowerBound, ratio.upperBound] { try check(bound, "ratio", in: 0.01...100) }
    }
}
