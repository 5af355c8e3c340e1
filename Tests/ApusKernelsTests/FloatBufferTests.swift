import ApusKernels
import Testing

@Suite struct FloatBufferTests {
    /// Small blocks, and blocks that ask for huge pages.
    @Test(arguments: [0, 1, 15, 1000, 600_000])
    func aBlockIsZeroedAndAligned(count: Int) throws {
        let buffer = try FloatBuffer(count: count)
        withExtendedLifetime(buffer) {
            #expect(buffer.count == count && buffer.view.count == count)
            #expect(buffer.view.array.allSatisfy { $0 == 0 })
            #expect(buffer.view.address % 64 == 0)
            #expect(count < 1 << 19 || buffer.view.address % (2 << 20) == 0)
        }
    }

    @Test func countsAreRoundedUpToCacheLines() {
        #expect([0, 1, 16, 17, 32].map(FloatBuffer.aligned) == [0, 16, 16, 32, 32])
    }

    @Test func memoryTheSystemDoesNotGiveIsAnError() {
        #expect(throws: AllocationError.self) { try FloatBuffer(count: 1 << 58) }
    }

    @Test func slicesShareTheirBlock() throws {
        let buffer = try FloatBuffer(count: 10)
        withExtendedLifetime(buffer) {
            let slice = buffer.view.slice(2..<5)
            slice.copy(from: [1, 2, 3])
            #expect(buffer.view.array == [0, 0, 1, 2, 3, 0, 0, 0, 0, 0])
            buffer.view.slice(5..<8).copy(from: slice)
            slice.fill(7)
            slice.slice(1..<2)[0] = 8
            #expect(buffer.view.array == [0, 0, 7, 8, 7, 1, 2, 3, 0, 0])
        }
    }
}
