import ApusFormats
import ApusKernels

/// What is done to an image before it is normalised: one of Apus's transforms, or a user's own.
///
/// Called on several threads at once. What comes out must follow from what goes in and the random numbers of the
/// context alone: then a run has the same bits on any number of threads.
///
///     /// Makes an image's negative, half the time.
///     struct RandomNegative: Transform {
///         func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
///             let isNegative = context.random.uniform(at: 0) < 0.5
///             for y in 0..<input.height {
///                 for x in 0..<input.width {
///                     for channel in 0..<input.channels {
///                         let sample = input[y, x, channel]
///                         output[y, x, channel] = isNegative ? 1 - sample : sample
///                     }
///                 }
///             }
///         }
///     }
public protocol Transform: Sendable {
    /// The size of whatever comes out; nil where it follows from the size of what goes in. By default nil.
    var outputSize: ImageSize? { get }

    /// The size of what becomes of an image of `size`. By default `outputSize`, or else `size`.
    ///
    /// - Throws: where nothing can become of it.
    func outputSize(of size: ImageSize) throws -> ImageSize

    /// Checks what the transform was made with, before anything is loaded. By default all is well.
    func check() throws

    /// The transform for the images of a dataset, where it has to know something of them. By default itself.
    ///
    /// - Throws: where it is not for such images.
    func prepared(for data: any Dataset) throws -> any Transform

    /// What a decoder may make an image smaller to, in leaving out detail that would be lost: the size that it must not
    /// fall below. By default nil: all detail is wanted.
    ///
    /// - Parameters:
    ///   - size: the whole image's; nil where it is not known.
    ///   - least: the size that what comes out must not fall below; nil where all its detail is wanted.
    ///   - random: the numbers that `apply` will have.
    func leastInput(of size: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?

    /// Writes what becomes of an image: samples from 0 to 1, of 1 or 3 channels.
    ///
    /// - Parameters:
    ///   - output: of the size that `outputSize(of:)` says and as many channels, in other memory; it holds anything.
    ///   - context: random numbers, and memory.
    func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws
}

extension Transform {
    public var outputSize: ImageSize? { nil }
    public func outputSize(of size: ImageSize) throws -> ImageSize { outputSize ?? size }
    public func check() throws {}
    public func leastInput(of size: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        nil
    }
    public func prepared(for data: any Dataset) throws -> any Transform { self }
}

/// What a transform may use while it makes one image.
public struct TransformContext: Sendable {
    /// Random numbers of this image, this epoch and the transform's place among others.
    public let random: CounterRandom
    private let workspace: TransformWorkspace

    init(random: CounterRandom, workspace: TransformWorkspace) {
        self.random = random
        self.workspace = workspace
    }

    /// `count` floats that hold anything, until `apply` returns or asks for others.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func scratch(_ count: Int) throws -> FloatView { try workspace.scratch(count) }

    /// Writes `input` in the size of `output`.
    func resample(_ input: ImageView, into output: ImageView, _ filter: Resampling.Filter) throws {
        try workspace.resample(input, into: output, filter)
    }

    /// Uniform between `range`'s bounds.
    func uniform(in range: ClosedRange<Double>, at index: Int) -> Double {
        random.uniform(in: range, at: index)
    }

    /// Whether something of this probability happens.
    func happens(_ probability: Double, at index: Int) -> Bool {
        Double(random.uniform(at: index)) < probability
    }
}

extension ImageView {
    var size: ImageSize { ImageSize(height: height, width: width) }
}

extension CounterRandom {
    /// Uniform between `range`'s bounds.
    func uniform(in range: ClosedRange<Double>, at index: Int) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(uniform(at: index))
    }
}
