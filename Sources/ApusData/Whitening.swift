import ApusKernels

/// Makes the numbers of images uncorrelated and of like variance: `y = W (x - mean)`, x being an image that is resized
/// and normalised already.
///
/// The mean and the covariance are those of training images. `epsilon` is added to the variance of each direction
/// before its square root divides: what varies less is left small, and noise is not blown up. Since images are normalised,
/// its unit is the variance of a pixel. (Krizhevsky, 2009, "Learning multiple layers of features from tiny images"; Bell
/// and Sejnowski, 1997; Kessy, Lewin and Strimmer, 2018, "Optimal whitening and decorrelation".)
public struct Whitening: Sendable, Equatable {
    /// Which of the matrices that whiten.
    public enum Method: String, Sendable, Hashable, Codable, CaseIterable {
        /// What stays nearest to the image: a pixel less what its surroundings tell of it. For convolutions.
        case zca
        /// Principal components, that of the greatest variance first, in the places of pixels: what lies side by
        /// side is no longer near, which convolutions suffer from.
        case pca
    }

    /// What a whitening is to be, before it is fitted; its text is `zca`, or `zca:epsilon=0.1,images=10000`.
    public struct Settings: Sendable, Hashable {
        /// In units of a normalised pixel's variance.
        public static let defaultEpsilon = 0.1
        public static let defaultImages = 60_000

        public let method: Method
        public let epsilon: Double
        /// The most images to look at, drawn at random where there are more.
        public let images: Int

        /// - Throws: `WhiteningError.invalidValue` where `epsilon` is below 0 or not finite, or `images` below 2.
        public init(
            _ method: Method, epsilon: Double = defaultEpsilon, images: Int = defaultImages
        ) throws(WhiteningError) {
            guard epsilon.isFinite, epsilon >= 0 else {
                throw .invalidValue("\(epsilon)", parameter: "epsilon", requirement: "a number of at least 0")
            }
            guard images >= 2 else {
                throw .invalidValue(
                    "\(images)", parameter: "images", requirement: "a whole number of at least 2")
            }
            self.method = method
            self.epsilon = epsilon
            self.images = images
        }
    }

    /// What was fitted, without its numbers.
    public struct Summary: Sendable, Hashable, Codable {
        public let method: Method
        public let epsilon: Double
        /// Images it was fitted to.
        public let images: Int
        /// Directions in which those do not vary, of as many as an input has numbers: epsilon alone keeps them finite.
        public let flatDirections: Int
    }

    /// The greatest count of numbers of an input. The matrix has its square: 64 MB here.
    public static let greatestCount = 4096

    public let summary: Summary
    /// The input it is for.
    public let input: Shape
    private let map: CenteredMap

    /// A whitening that was fitted before.
    ///
    /// - Parameters:
    ///   - mean: in the order channel, row, column.
    ///   - matrix: `[mean.count, mean.count]`, row-major.
    /// - Throws: `WhiteningError.tooLarge`, or `.invalidNumbers` where they are not as many as `input` needs, or not finite.
    public init(_ summary: Summary, input: Shape, mean: [Float], matrix: [Float]) throws {
        try Self.check(input)
        guard mean.count == input.count, matrix.count == input.count * input.count else {
            throw WhiteningError.invalidNumbers(
                found: "\(mean.count) means and a matrix of \(matrix.count)", input: input)
        }
        guard mean.allSatisfy(\.isFinite), matrix.allSatisfy(\.isFinite) else {
            throw WhiteningError.invalidNumbers(found: "numbers that are not finite", input: input)
        }
        self.summary = summary
        self.input = input
        map = try CenteredMap(mean: mean, matrix: matrix)
    }

    /// The mean training image, in the order channel, row, column.
    public var mean: [Float] { map.mean }
    /// W, row-major, in that order.
    public var matrix: [Float] { map.matrix }

    static func check(_ input: Shape) throws(WhiteningError) {
        guard input.count <= greatestCount else { throw .tooLarge(input: input) }
    }

    /// Whitens images of the input's extent.
    package func apply(to images: Tensor) { map.apply(to: images) }

    public static func == (first: Whitening, second: Whitening) -> Bool {
        first.summary == second.summary && first.input == second.input
            && (first.map === second.map || first.mean == second.mean && first.matrix == second.matrix)
    }
}

/// A whitening that cannot be had, or is not for these images.
public enum WhiteningError: Error, Sendable, Hashable, CustomStringConvertible {
    case tooLarge(input: Shape)
    /// Without an epsilon, directions without variance would become infinite.
    case flatDirections(Int, of: Int, images: Int)
    case otherImages(found: Shape, expected: Shape)
    case invalidNumbers(found: String, input: Shape)
    case unknownMethod(String)
    case unknownParameter(String)
    /// A part between commas that is not `name=value`, or whose name came before.
    case malformedParameter(String)
    case invalidValue(String, parameter: String, requirement: String)

    public var description: String {
        switch self {
        case .tooLarge(let input):
            "whitening: found an input of \(input), which is \(input.count) numbers, expected at most "
                + "\(Whitening.greatestCount), since their covariance has the square of that: resize the images"
        case .flatDirections(let count, let all, let images):
            "whitening: found no variance in \(count) of \(all) directions of \(images) images, expected some in "
                + "each, or an epsilon above 0"
        case .otherImages(let found, let expected):
            "whitening: found one for an input of \(found), expected \(expected)"
        case .invalidNumbers(let found, let input):
            "whitening: found \(found), expected \(input.count) finite means and their square in the matrix"
        case .unknownMethod(let name):
            "there is no whitening '\(name)'" + Self.suggestion(for: name, Whitening.Settings.methods)
        case .unknownParameter(let name):
            "whitening has no parameter '\(name)'" + Self.suggestion(for: name, Whitening.Settings.parameters)
        case .malformedParameter(let text):
            "each parameter of a whitening must be given once, as 'name=value', found '\(text)'"
        case .invalidValue(let text, let parameter, let requirement):
            "whitening's \(parameter) must be \(requirement), found '\(text)'"
        }
    }
}
