import ApusKernels

/// A batch whose images lie in arrays, `[channels, height, width]`; by default its labels are the images' positions.
package final class ArrayBatch: BatchSource {
    package let images: [[Float]]
    package let labels: [Int]

    package init(images: [[Float]], labels: [Int]? = nil) {
        self.images = images
        self.labels = labels ?? Array(images.indices)
    }

    package func load(_ position: Int, into tensor: Tensor, at index: Int) {
        tensor.load(index, channelsFirst: images[position])
    }

    package func label(at position: Int) -> Int { labels[position] }
}
