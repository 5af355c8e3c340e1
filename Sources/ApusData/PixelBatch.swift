import ApusFormats
import ApusKernels
import ApusNN

/// Images of any size, as a network sees them; nobody knows their classes.
package final class PixelBatch: BatchSource {
    private let images: [PixelImage]
    private let writer: InputWriter

    /// - Throws: `DataError.channelMismatch` where the network sees neither grey nor coloured images.
    package init(_ images: [PixelImage], _ preprocessing: Preprocessing) throws {
        let channels = preprocessing.image.channels
        guard channels == 1 || channels == 3 else {
            throw DataError.channelMismatch(
                image: "1 or 3 channels", input: preprocessing.image.description)
        }
        self.images = images
        writer = InputWriter(preprocessing)
    }

    package func load(_ position: Int, into tensor: Tensor, at index: Int) {
        writer.write(images[position], into: tensor, at: index)
        writer.finish(tensor.images(index..<index + 1))
    }

    package func load(_ positions: Range<Int>, into tensor: Tensor) {
        for (index, position) in positions.enumerated() {
            writer.write(images[position], into: tensor, at: index)
        }
        writer.finish(tensor)
    }

    package func label(at position: Int) -> Int { 0 }
}
