import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct FontTests {
    @Test func theStandardFontDrawsWhatCoversPixelsWithinItsLine() throws {
        let font = try Font.standard()
        for size in [8, 13, 40] {
            let line = font.lineHeight(size: size)
            #expect(line >= size && line <= 2 * size)
            for letter in font.glyphs("Ág", size: size) {
                #expect(letter.coverage.count == letter.height * letter.width)
                #expect(letter.coverage.contains { $0 > 128 })
                #expect(letter.top >= 0 && letter.top + letter.height <= line)
            }
        }
    }

    @Test func theWidthOfATextIsThatOfItsLetters() throws {
        let font = try Font.standard()
        let parts = ["m", "i", "m"].map { font.glyphs($0, size: 20)[0].advance }
        #expect(font.width(of: "mim", size: 20) == Int((parts[0] + parts[1] + parts[2]).rounded(.up)))
        #expect(parts[0] > parts[1])
        #expect(font.width(of: "", size: 20) == 0)
        #expect(font.glyphs(" ", size: 20).allSatisfy { $0.coverage.isEmpty })
    }

    @Test func whatIsNoFontIsNamedWithItsFile() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("none.ttf")
        #expect(throws: FileError.self) { try Font(contentsOf: file) }
        for bytes in [Data(), Data("no font".utf8)] {
            try bytes.write(to: file)
            let error = #expect(throws: FontError.self) { try Font(contentsOf: file) }
            #expect(error?.description.contains("none.ttf: found no font") == true)
        }
    }
}
