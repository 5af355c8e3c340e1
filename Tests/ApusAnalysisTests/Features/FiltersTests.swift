import ApusAnalysis
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining
import Testing

@Suite("Filters as pictures")
struct FiltersTests {
    private func network(channels: Int = 1) throws -> Network {
        try Network(
            Sequential {
                Conv2D(channels, 2, kernel: 2).named("conv")
                ReLU().named("relu")
                Conv2D(2, 3, kernel: 1).named("conv2")
            }, input: Shape(height: 4, width: 4, channels: channels))
    }

    @Test("Zero is the middle grey, and the greatest weight of all or of each is black or white")
    func grey() throws {
        let network = try network()
        try network.change("conv.weight") { $0 = [0, 2, -4, 1, 0, 0.5, -1, 1] }
        let all = try network.filters()
        #expect(all.name == "conv.weight" && all.shape == [2, 1, 2, 2] && all.greatest == [4, 1])
        // 128 + 127 w / 4, rounded away from zero.
        #expect(all.filters.map { $0[0].samples } == [[128, 192, 1, 160], [128, 144, 96, 160]])
        let each = try network.filters(scale: .each)
        #expect(each.filters[0] == all.filters[0])
        #expect(each.filters[1][0].samples == [128, 192, 1, 255])
    }

    @Test("A filter on three channels is in colour, one on others a map for each")
    func channels() throws {
        let coloured = try network(channels: 3)
        try coloured.change("conv.weight") { values in
            for place in values.indices { values[place] = Float(place % 12 / 4) - 1 }
        }
        let filters = try coloured.filters()
        #expect(filters.filters.map(\.count) == [1, 1])
        // Red is least and blue is greatest in every pixel.
        #expect(filters.filters[0][0].samples == [1, 128, 255, 1, 128, 255, 1, 128, 255, 1, 128, 255])

        let second = try coloured.filters(ofLayer: "conv2")
        #expect(second.filters.map(\.count) == [2, 2, 2] && second.filters[0][1].size == ImageSize(1))
    }

    @Test("Weights that are zero or not finite are shown as zero")
    func notFinite() throws {
        let network = try network()
        try network.change("conv.weight") { $0 = [0, 0, 0, 0, .nan, .infinity, 1, -1] }
        #expect(try network.filters(scale: .each).filters[0][0].samples == [128, 128, 128, 128])
        #expect(try network.filters().filters[1][0].samples.prefix(2) == [128, 128])
    }

    @Test("A layer that has none, or is none, is refused")
    func refusals() throws {
        let network = try network()
        #expect(
            throws: InspectionError.noFilters(layer: "relu", kind: "ReLU", convolutions: ["conv", "conv2"])
        ) { try network.filters(ofLayer: "relu") }
        #expect(throws: UnknownLayerError(path: "conv3", known: ["conv", "relu", "conv2"])) {
            try network.filters(ofLayer: "conv3")
        }
        let linear = try Network(
            Sequential { Linear(4, 2).named("fc") }, input: .features(4))
        #expect(throws: InspectionError.noConvolutions) { try linear.filters() }
        #expect(throws: InspectionError.noConvolutions) { try linear.filters(ofLayer: "fc") }
    }

    @Test("A sheet has a place for each filter; those on many channels are one mosaic")
    func sheets() throws {
        let network = try network()
        let sheet = ImageSheet(try network.filters(), scale: .all)
        #expect(sheet.rows.map(\.cells.count) == [2] && sheet.colorBar != nil)
        #expect(sheet.rows[0].cells.map(\.captions) == [["0"], ["1"]])
        #expect(sheet.title == "conv.weight: 2 filters of 2x2, all on one scale")

        let mosaic = ImageSheet(try network.filters(ofLayer: "conv2"), scale: .each)
        // Of 1x1 filters, a pixel for each weight.
        #expect(mosaic.rows.map(\.cells.count) == [1])
        #expect(mosaic.rows[0].cells[0].image.size == ImageSize(height: 3, width: 2))
        #expect(mosaic.colorBar == nil)
    }
}
