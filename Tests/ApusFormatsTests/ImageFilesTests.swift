import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("Image files") struct ImageFilesTests {
    @Test("Every kind of file holds what an independent reader finds in it", arguments: ImageFixtures.names)
    func pixels(name: String) throws {
        let expected = try ImageFixtures.image(name)
        let image = try PixelImage(
            contentsOf: ImageFixtures.url(name), atLeast: name.contains("@") ? expected.size : nil)
        #expect(image.greatestDifference(from: expected) == 0)
    }

    @Test("There are the files that the tests are about")
    func names() {
        #expect(ImageFixtures.files.count == 38)
        #expect(ImageFixtures.names.count == 42)
    }

    @Test("A header says what the image will be", arguments: ImageFixtures.files)
    func header(name: String) throws {
        let expected = try ImageFixtures.image(name)
        let header = try ImageHeader(contentsOf: ImageFixtures.url(name))
        #expect(header.size == expected.size)
        #expect(header.channels == expected.channels)
        #expect(header.format == (name.hasSuffix(".png") ? .png : .jpeg))
    }

    @Test(
        "A reduced image is the smallest whose extents are not below those asked for",
        arguments: [
            ((1, 1), (6, 9)), ((6, 9), (6, 9)), ((7, 9), (12, 18)), ((6, 10), (12, 18)), ((12, 18), (12, 18)),
            ((13, 1), (23, 35)), ((23, 35), (23, 35)), ((23, 36), (45, 70)), ((100, 1), (45, 70)),
        ])
    func reduction(least: (Int, Int), result: (Int, Int)) throws {
        let image = try PixelImage(
            contentsOf: ImageFixtures.url("halved.jpg"),
            atLeast: ImageSize(height: least.0, width: least.1))
        #expect((image.height, image.width) == result)
    }

    @Test("Extents asked for are those of the image upright")
    func uprightReduction() throws {
        // Stored as 10x17, upright 17x10: halved it would be 9x5.
        let url = ImageFixtures.url("orientation-6-big.jpg")
        #expect(
            try PixelImage(contentsOf: url, atLeast: ImageSize(height: 9, width: 5)).size
                == ImageSize(height: 9, width: 5))
        #expect(
            try PixelImage(contentsOf: url, atLeast: ImageSize(height: 5, width: 9)).size
                == ImageSize(height: 17, width: 10))
    }

    @Test("A file that is no image is named, with its first bytes")
    func foreign() {
        for (bytes, found) in [
            (Data(), "an empty file"), (Data("GIF89a".utf8), "the bytes 47 49 46 38"),
            (Data([0xFF]), "the bytes ff"),
        ] {
            let expected = FormatError(
                file: "a.gif", offset: 0, found: found,
                expected: "an image, JPEG (ff d8 ff) or PNG (89 50 4e 47)")
            #expect(throws: expected) { try PixelImage(decoding: bytes, name: "a.gif") }
            #expect(throws: expected) { try ImageHeader(of: bytes, name: "a.gif") }
        }
        #expect(throws: FileError(path: "/nowhere.png", operation: .open, code: ENOENT)) {
            try PixelImage(contentsOf: URL(filePath: "/nowhere.png"))
        }
    }

    private static let damageable = [
        "halved.jpg", "progressive.jpg", "inks.jpg", "orientation-5-little.jpg", "color8.png",
        "palette-alpha.png",
        "color8-interlaced.png",
    ]

    @Test("A file cut short anywhere is refused, by its header already", arguments: damageable)
    func cut(name: String) throws {
        let file = try ImageFixtures.bytes(name)
        for length in 0..<file.count {
            #expect(throws: FormatError.self, "\(length) bytes") {
                try ImageHeader(of: file.prefix(length), name: name)
            }
            // Of JPEG the end mark itself carries nothing.
            guard length < file.count - 2 || name.hasSuffix(".png") else { continue }
            #expect(throws: FormatError.self, "\(length) bytes") {
                try PixelImage(decoding: file.prefix(length), name: name)
            }
        }
    }

    @Test("A damaged file is refused, or read as some image", arguments: damageable)
    func flips(name: String) throws {
        let file = try ImageFixtures.bytes(name)
        var generator = SplitMix64(seed: 4)
        for _ in 0..<2000 {
            var damaged = file
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                damaged[Int.random(in: 0..<file.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            for size in [nil, ImageSize(5)] {
                do {
                    let header = try ImageHeader(of: damaged, name: name)
                    // What is huge may be decoded, but takes its time.
                    guard header.size.height * header.size.width < 1 << 20 else { continue }
                    let image = try PixelImage(decoding: damaged, name: name, atLeast: size)
                    if size == nil { #expect(image.size == header.size) }
                } catch {
                    #expect(error is FormatError)
                }
            }
        }
    }

    @Test("Extents beyond any image's are refused before memory is taken for them")
    func absurdExtents() throws {
        var png = try ImageFixtures.bytes("color8.png")
        png.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
        let error = #expect(throws: FormatError.self) { try PixelImage(decoding: png, name: "huge.png") }
        #expect(
            error?.description == "huge.png, byte 16: found an image of 2147483647x2147483647 pixels, "
                + "expected 1 to 134217728 pixels")
        var jpeg = try ImageFixtures.bytes("full.jpg")
        let frame = try #require(jpeg.firstRange(of: [0xFF, 0xC0])).upperBound
        jpeg.replaceSubrange(frame + 3..<frame + 7, with: [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: FormatError.self) { try PixelImage(decoding: jpeg, name: "huge.jpg") }
    }

    @Test("Bytes before and after the image do no harm where files have them")
    func surroundings() throws {
        let file = try ImageFixtures.bytes("full.jpg")
        let image = try ImageFixtures.image("full.jpg")
        // A part of other bytes, whose indices do not begin with 0; notes after the end, a mark among them.
        let notes = Data([0xFF, 0xD8, 1, 2, 3])
        let longer = (notes + file + notes).dropFirst(notes.count)
        #expect(try ImageHeader(of: longer, name: "some").size == image.size)
        #expect(try PixelImage(decoding: longer, name: "some") == image)
        // Two bytes left over before the end mark, as cameras write them.
        let padded = file.dropLast(2) + Data([0, 0, 0xFF, 0xD9])
        #expect(try PixelImage(decoding: padded, name: "some") == image)
    }

    @Test(
        "An image of any extent comes back from PNG", arguments: [(1, 1), (1, 7), (9, 2), (40, 33)], [1, 3])
    func pngRoundTrip(extents: (Int, Int), channels: Int) throws {
        var generator = SplitMix64(seed: 5)
        let image = PixelImage(
            height: extents.0, width: extents.1, channels: channels,
            samples: (0..<extents.0 * extents.1 * channels).map { _ in .random(in: 0...255, using: &generator)
            })
        #expect(try PixelImage(decoding: image.png(), name: "some") == image)
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "a.png")
            try image.writePNG(to: url)
            #expect(try PixelImage(contentsOf: url) == image)
        }
    }
}

@Suite("Channels of images") struct PixelImageTests {
    @Test("Grey is repeated, and is the luma of its colours")
    func grey() {
        let grey = PixelImage(height: 2, width: 128, channels: 1, samples: Array(0...255))
        let color = grey.converted(toChannels: 3)
        #expect(color.samples == (0...255).flatMap { [$0, $0, $0] })
        #expect(color.converted(toChannels: 1) == grey)
        #expect(grey.converted(toChannels: 1) == grey && color.converted(toChannels: 3) == color)
    }

    @Test("Luma is 0.299 red, 0.587 green and 0.114 blue, rounded")
    func luma() {
        var generator = SplitMix64(seed: 6)
        let samples = (0..<3 * 1000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let image = PixelImage(height: 10, width: 100, channels: 3, samples: samples)
        let luma = image.converted(toChannels: 1).samples
        for pixel in luma.indices {
            let exact =
                0.299 * Double(samples[3 * pixel]) + 0.587 * Double(samples[3 * pixel + 1])
                + 0.114 * Double(samples[3 * pixel + 2])
            // Half of one for rounding, and 255 times the three weights' own, each of 2^-17 at most.
            #expect(abs(Double(luma[pixel]) - exact) <= 0.5 + 3 * 255 * 0x1p-17)
        }
    }
}
