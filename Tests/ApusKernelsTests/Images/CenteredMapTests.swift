import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite("A linear map of whole images") struct CenteredMapTests {
    @Test(
        "Each image becomes W (x - mean), exactly for whole numbers",
        arguments: Layout.allCases, [1, 5, 16, 19])
    func map(layout: Layout, batch: Int) throws {
        let (height, width, channels) = (3, 4, 2)
        let count = height * width * channels
        let matrix = integers(count: count * count, seed: 1)
        let mean = integers(count: count, seed: 2)
        let images = integerTensor([batch, channels, height, width], seed: 3)
        let centered = images.values.enumerated().map { $1 - mean[$0 % count] }
        let expected = ReferenceGEMM.multiply(
            rows: batch, columns: count, depth: count, centered, matrix, transposeB: true)
        let map = try CenteredMap(mean: mean, matrix: matrix)
        #expect(map.mean == mean && map.matrix == matrix && map.count == count)
        withMemory { memory in
            let tensor = memory.tensor(images, layout, margin: 1)
            map.apply(to: tensor)
            expectEqual(tensor.channelsFirstArray, expected)
        }
    }

    @Test("Images among others are mapped alone")
    func part() throws {
        let map = try CenteredMap(mean: [1, 1], matrix: [0, 2, 2, 0])
        withMemory { memory in
            let tensor = memory.vectors([[1, 2], [3, 4], [5, 6]], .imagesLast)
            map.apply(to: tensor.images(1..<2))
            #expect(tensor.channelsFirstArray == [1, 2, 6, 4, 5, 6])
        }
    }
}
