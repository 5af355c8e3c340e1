import ApusData
import ApusFormats
import ApusKernels
import Synchronization
import TestSupport
import Testing

/// Images of one size, that remember in what size they were asked for.
private final class AskedImages: Dataset {
    private let whole = ImageSize(height: 400, width: 600)
    private let isKnown: Bool
    let asked = Mutex<[ImageSize?]>([])

    init(isKnown: Bool) { self.isKnown = isKnown }

    let name = "asked"
    let split = "train"
    let count = 1
    let classNames = ["any"]
    let channels = 3
    let imageSize: ImageSize? = nil
    func label(of image: Int) -> Int { 0 }
    func size(of image: Int) -> ImageSize? { isKnown ? whole : nil }
    func image(_ index: Int, atLeast size: ImageSize?) -> PixelImage {
        asked.withLock { $0.append(size) }
        return .noise(whole.height, whole.width, 3)
    }
}

@Suite("The detail that transforms need") struct DecodedDetailTests {
    private static func size(_ height: Int, _ width: Int) -> ImageSize {
        ImageSize(height: height, width: width)
    }

    private static func asked(_ text: String, isKnown: Bool = true) throws -> ImageSize? {
        let data = AskedImages(isKnown: isKnown)
        _ = try Augmentation(parsing: text).variant(of: 0, in: data, seed: 1, epoch: 0)
        return data.asked.withLock { $0[0] }
    }

    @Test(
        "Images are asked for in the size that they are brought to, or that a window of them is",
        arguments: [
            ("resize=32x20", size(32, 20)), ("resize-shorter=40", size(40, 60)), ("flip", nil),
            ("flip,hue=0.1,resize=32", size(32, 32)), ("elastic,resize=32", nil),
            ("pad-crop=4:size=300,resize=32", nil), ("rotate=10,resize=32", size(32, 32)),
            ("shift=0.1,scale=0.5..2,resize=32x20", size(64, 40)),
            // A window of 245x245 pixels.
            ("random-resized-crop=32:area=0.25..0.25:ratio=1..1", size(53, 79)),
            ("flip,random-resized-crop=32x64:area=0.25..0.25:ratio=1..1,elastic", size(53, 157)),
            // The greatest that there is.
            ("random-resized-crop=32:area=1..1:ratio=1.5..1.5", size(32, 32)),
        ] as [(String, ImageSize?)])
    func known(text: String, expected: ImageSize?) throws {
        #expect(try Self.asked(text) == expected)
    }

    @Test("Where an image's size is not known, all of it is asked for, unless all are brought to one size")
    func unknown() throws {
        #expect(try Self.asked("random-resized-crop=32", isKnown: false) == nil)
        #expect(try Self.asked("resize-shorter=32", isKnown: false) == nil)
        #expect(try Self.asked("flip,resize=32", isKnown: false) == Self.size(32, 32))
    }

    @Test("The files of a folder say their sizes before they are decoded")
    func folder() throws {
        let tree = try ImageTree()
        for (index, size) in [(6, 5), (9, 12), (4, 8)].enumerated() {
            try tree.write(
                image: "train/a/\(index).png", height: size.0, width: size.1, seed: UInt64(index))
        }
        try tree.write(image: "val/a/0.png", height: 7, width: 3, seed: 9)
        let (train, test) = try ImageFolder.splits(at: tree.path)
        #expect((0..<3).map(train.size(of:)) == [Self.size(6, 5), Self.size(9, 12), Self.size(4, 8)])
        #expect(test.size(of: 0) == Self.size(7, 3))
    }
}
