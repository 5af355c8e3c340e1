import ApusData
import ApusKernels
import ApusNN

/// Images as a network sees them, each `[channels, height, width]`.
final class InputImages: Sendable {
    private let block: FloatBuffer
    let count: Int
    let shape: Shape

    /// Loads the first `count` images of `source`, on all threads.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    init(_ source: any BatchSource, count: Int, shape: Shape, workers: Workers) throws {
        self.count = count
        self.shape = shape
        block = try FloatBuffer(count: count * shape.count)
        workers.run(jobs: count) { [block] image, _ in
            let tensor = Tensor(block.view, batch: count, shape: shape, layout: .channelsFirst)
            source.load(image, into: tensor, at: image)
        }
    }

    /// Copies an image to image `index` of `tensor`, in any layout.
    func copy(_ image: Int, into tensor: Tensor, at index: Int) {
        tensor.copy(
            index, from: Tensor(block.view, batch: count, shape: shape, layout: .channelsFirst), image)
    }

    /// An image, `[channels, height, width]`.
    subscript(image: Int) -> [Float] {
        block.view.slice(image * shape.count..<(image + 1) * shape.count).array
    }
}

/// Changed copies of the images of a request.
public struct Variants: Sendable {
    public let count: Int
    /// The image that a variant is made of.
    let image: @Sendable (_ variant: Int) -> Int
    /// Changes the copy in image `index` of `tensor`, in any layout; called on many threads.
    let change: @Sendable (_ variant: Int, _ tensor: Tensor, _ index: Int) -> Void

    /// - Parameters:
    ///   - count: of variants.
    ///   - image: the image that a variant is made of.
    ///   - change: changes the copy of it that lies in image `index` of `tensor`; called on many threads.
    public init(
        count: Int, of image: @escaping @Sendable (_ variant: Int) -> Int,
        change: @escaping @Sendable (_ variant: Int, _ tensor: Tensor, _ index: Int) -> Void
    ) {
        self.count = count
        self.image = image
        self.change = change
    }

    /// `count` images as they are.
    public static func unchanged(_ count: Int) -> Variants {
        Variants(count: count, of: { $0 }, change: { _, _, _ in })
    }
}

/// Variants as an executor takes them in, from `start` on.
final class VariantBatch: BatchSource, @unchecked Sendable {
    private let inputs: InputImages
    private let variants: Variants
    /// The class to explain of each image.
    private let classes: [Int]
    /// To be set between batches.
    var start = 0

    init(_ variants: Variants, of inputs: InputImages, classes: [Int] = []) {
        self.inputs = inputs
        self.variants = variants
        self.classes = classes
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        inputs.copy(variants.image(start + position), into: tensor, at: index)
        variants.change(start + position, tensor, index)
    }

    func label(at position: Int) -> Int { classes[variants.image(start + position)] }
}
