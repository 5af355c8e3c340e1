import ApusFormats
import ApusKernels
import Foundation

extension ImageDataset {
    /// Generates images that can be learned: each class is a smooth random pattern, each image its class's
    /// pattern moved by up to two pixels, dimmed, and covered in noise.
    ///
    /// Image `i` is of class `i` modulo `classes`. Everything is integer arithmetic on counter-based random
    /// numbers, so the images are the same on every machine. Splits of one seed share the patterns, and image
    /// `i` of a split does not depend on `count`.
    ///
    /// - Throws: `DataError` where `count`, `shape` or `classes` allow no dataset.
    public static func synthetic(
        count: Int, shape: Shape, classes: Int, seed: UInt64, split: String
    ) throws -> ImageDataset {
        let name = "synthetic"
        let title = title(name, split)
        guard count >= 1 else { throw DataError.noImages(dataset: title) }
        guard 1...greatestClassCount ~= classes else {
            throw DataError.invalidClassCount(dataset: title, found: classes)
        }
        let pixelCount = try pixelCount(of: count, shape, dataset: title)

        let patterns = (0..<min(classes, count)).map { ClassPattern(shape: shape, seed: seed, label: $0) }
        let stream = Int(CRC32.checksum(Array(split.utf8)))
        var pixels: [UInt8] = []
        pixels.reserveCapacity(pixelCount)
        for index in 0..<count {
            let random = CounterRandom(
                seed: seed, purpose: .synthesis, unit: 1, epoch: stream, sample: index)
            patterns[index % classes].appendSample(to: &pixels, shape: shape, random: random)
        }
        return try ImageDataset(
            name: name, split: split, shape: shape, pixels: pixels,
            labels: (0..<count).map { UInt16($0 % classes) },
            classNames: (0..<classes).map { "class \($0)" })
    }
}

/// What the images of one synthetic class have in common, on a canvas wide enough to move them about.
private struct ClassPattern {
    /// The furthest a sample is moved from the canvas' centre, in pixels.
    private static let reach = 2
    /// Pixels from one point of the random grid to the next; between them the pattern is interpolated.
    private static let cell = 6

    private let width: Int
    /// `[height + 2 reach, width + 2 reach, channels]`, each 0...255.
    private let canvas: [Int32]

    init(shape: Shape, seed: UInt64, label: Int) {
        let cell = Self.cell
        let height = shape.height + 2 * Self.reach
        let width = shape.width + 2 * Self.reach
        let gridWidth = width / cell + 2
        let grids = (0..<shape.channels).map {
            CounterRandom(seed: seed, purpose: .synthesis, unit: 0, epoch: label, sample: $0)
        }
        var canvas: [Int32] = []
        canvas.reserveCapacity(height * width * shape.channels)
        for y in 0..<height {
            for x in 0..<width {
                let (row, down) = y.quotientAndRemainder(dividingBy: cell)
                let (column, right) = x.quotientAndRemainder(dividingBy: cell)
                let corner = row * gridWidth + column
                for grid in grids {
                    func level(_ point: Int) -> Int { Int(grid.word(at: point) >> 24) }
                    let above = level(corner) * (cell - right) + level(corner + 1) * right
                    let below =
                        level(corner + gridWidth) * (cell - right) + level(corner + gridWidth + 1) * right
                    canvas.append(Int32((above * (cell - down) + below * down) / (cell * cell)))
                }
            }
        }
        self.width = width
        self.canvas = canvas
    }

    /// Appends one image, `[height, width, channels]`.
    func appendSample(to pixels: inout [UInt8], shape: Shape, random: CounterRandom) {
        // Block 0 places the image, the following ones are its noise, 16 bytes each.
        let placement = random.words(block: 0)
        let positions = UInt32(2 * Self.reach + 1)
        let top = Int(placement.x % positions)
        let left = Int(placement.y % positions)
        let gain = 128 + Int32(placement.z % 128)

        let rowLength = shape.width * shape.channels
        var words = SIMD4<UInt32>()
        var noise: UInt32 = 0
        var element = 0
        for y in 0..<shape.height {
            let start = ((top + y) * width + left) * shape.channels
            for pattern in canvas[start..<(start + rowLength)] {
                if element & 15 == 0 { words = random.words(block: 1 + element >> 4) }
                if element & 3 == 0 { noise = words[(element >> 2) & 3] }
                let value = (pattern * gain) >> 8 + (Int32(noise & 0xFF) - 128) >> 1
                noise >>= 8
                pixels.append(UInt8(clamping: value))
                element += 1
            }
        }
    }
}
