import ApusKernels
import Foundation
import TestSupport

extension Memory {
    /// An image of NaN, the middle of a wider one.
    func image(_ height: Int, _ width: Int, _ channels: Int) -> ImageView {
        let whole = ImageView(
            view(count: height * (width + 3) * channels), height: height, width: width + 3, channels: channels
        )
        return whole.part(rows: 0..<height, columns: 2..<width + 2)
    }

    func image(_ values: [Float], _ height: Int, _ width: Int, _ channels: Int) -> ImageView {
        let image = image(height, width, channels)
        for y in 0..<height {
            for x in 0..<width {
                for channel in 0..<channels {
                    image[y, x, channel] = values[(y * width + x) * channels + channel]
                }
            }
        }
        return image
    }
}

/// What PyTorch and torchvision make of small images; see `Fixtures/generate.py`.
struct ImageFixture {
    static let names = ["grey", "color"]

    private let file: SafetensorsFixture

    init() throws {
        file = try SafetensorsFixture(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Fixtures/images.safetensors"))
    }

    /// An image of the file.
    func image(_ name: String, _ memory: Memory) throws -> ImageView {
        let tensor = try file.tensor(name)
        return memory.image(tensor.floats, tensor.shape[0], tensor.shape[1], tensor.shape[2])
    }

    /// What was made of the image `name`, by the text of its parameters.
    func results(of change: String, to name: String) -> [(parameters: String, values: [Double])] {
        let start = "\(change)/\(name)/"
        return file.tensors.filter { $0.key.hasPrefix(start) }
            .map { (String($0.key.dropFirst(start.count)), $0.value.values) }
    }
}

/// An image in double precision, that goes on outside as one colour.
struct ReferenceImage {
    let height: Int
    let width: Int
    let channels: Int
    let values: [Double]
    var fill = 0.0

    init(_ image: ImageView, fill: Double = 0) {
        (height, width, channels) = (image.height, image.width, image.channels)
        values = image.array.map { Double($0) }
        self.fill = fill
    }

    func at(_ y: Int, _ x: Int, _ channel: Int) -> Double {
        guard 0..<height ~= y, 0..<width ~= x else { return fill }
        return values[(y * width + x) * channels + channel]
    }

    /// Between pixels: the mean of four, each weighted by the opposite part of the square.
    func between(_ y: Double, _ x: Double, _ channel: Int) -> Double {
        let (top, left) = (y.rounded(.down), x.rounded(.down))
        var sum = 0.0
        for row in 0...1 {
            for column in 0...1 {
                let weight = (1 - abs(y - top - Double(row))) * (1 - abs(x - left - Double(column)))
                sum += weight * at(Int(top) + row, Int(left) + column, channel)
            }
        }
        return sum
    }

    /// An image whose samples `body` computes.
    func map(_ body: (_ y: Int, _ x: Int, _ channel: Int) -> Double) -> [Double] {
        (0..<height).flatMap { y in
            (0..<width).flatMap { x in (0..<channels).map { body(y, x, $0) } }
        }
    }
}
