import ApusAnalysis
import ApusFormats
import Testing

@Suite struct ImageSheetTests {
    private func grey(_ value: UInt8, height: Int = 28, width: Int = 28) -> PixelImage {
        PixelImage(
            height: height, width: width, channels: 1,
            samples: [UInt8](repeating: value, count: height * width))
    }

    /// How many pixels of a sheet have exactly this grey.
    private func count(_ value: UInt8, _ sheet: ImageSheet) throws -> Int {
        let samples = try sheet.image(font: .standard()).samples
        return stride(from: 0, to: samples.count, by: 3).count {
            samples[$0..<$0 + 3].allSatisfy { $0 == value }
        }
    }

    @Test func everyImageIsThereEnlargedByWholePixels() throws {
        let sheet = ImageSheet([
            ImageSheet.Row([.init(grey(17)), .init(grey(33))]), ImageSheet.Row([.init(grey(65))]),
        ])
        for value: UInt8 in [17, 33, 65] { #expect(try count(value, sheet) == 84 * 84) }
    }

    @Test func largeImagesAreReducedToTheGreatestExtent() throws {
        let sheet = ImageSheet([ImageSheet.Row([.init(grey(40, height: 300, width: 600))])])
        #expect(try count(40, sheet) == 224 * 112)
    }

    @Test func wordsMakeRoomForThemselvesAndCoverNoImage() throws {
        var sheet = ImageSheet([ImageSheet.Row([.init(grey(17)), .init(grey(33))])])
        let plain = try sheet.image(font: .standard())
        sheet.title = "A title that is wider than the two images taken together, by far"
        sheet.columnTitles = ["first", "second"]
        sheet.rows[0].title = "row"
        sheet.rows[0].cells[0].captions = ["a caption", "and one more"]
        sheet.colorBar = ColorBar(.heat, from: 0, to: 0.125)
        let labelled = try sheet.image(font: .standard())
        #expect(labelled.height > plain.height && labelled.width > plain.width)
        for value: UInt8 in [17, 33] { #expect(try count(value, sheet) >= 84 * 84) }
        // The highest colour of the bar and the lowest.
        let pixels = Set(
            stride(from: 0, to: labelled.samples.count, by: 3).map { Array(labelled.samples[$0..<$0 + 3]) })
        let top = ColorMap.heat.color(1 - 0.5 / 84)
        #expect(pixels.contains([top.red, top.green, top.blue]))
    }

    @Test func aTextTooLongIsCutToTheRoomThereIs() throws {
        let font = try Font.standard()
        let cut = font.cut("a text that is far too long", size: 12, width: 60)
        #expect(cut.hasSuffix("…") && font.width(of: cut, size: 12) <= 60)
        #expect(font.cut("short", size: 12, width: 60) == "short")
    }
}
