import ApusKernels
import Testing
import TestSupport

@Suite struct ReductionsTests {
    /// The documented order, as a recursion: the sum of 2^k blocks is that of the first half plus that of
    /// the second, absent blocks left out.
    private func tree(_ blocks: ArraySlice<Float>) -> Float {
        guard blocks.count > 1 else { return blocks[blocks.startIndex] }
        var half = 1
        while 2 * half < blocks.count { half *= 2 }
        return tree(blocks.prefix(half)) + tree(blocks.dropFirst(half))
    }

    @Test(arguments: [1, 2, 3, 5, 7, 8, 12, 13, 16], [11, 300])
    func blocksAreAddedInAFixedTree(count: Int, size: Int) {
        let values = uniformFloats(count: count * size, seed: 1)
        withMemory { memory in
            let view = memory.view(values)
            Reductions.addTree(view, of: size, count: count, range: 2..<size - 2)
            for place in 2..<size - 2 {
                let blocks = (0..<count).map { values[$0 * size + place] }
                #expect(view[place].bitPattern == tree(blocks[...]).bitPattern)
            }
            for place in [0, 1, size - 2, size - 1] { #expect(view[place] == values[place]) }
        }
    }

    @Test func addingRangeByRangeGivesTheSameBits() {
        let values = uniformFloats(count: 6 * 500, seed: 2)
        withMemory { memory in
            let (whole, parts) = (memory.view(values), memory.view(values))
            Reductions.addTree(whole, of: 500, count: 6, range: 0..<500)
            for range in [300..<500, 0..<17, 17..<300] {
                Reductions.addTree(parts, of: 500, count: 6, range: range)
            }
            #expect(whole.slice(0..<500).array == parts.slice(0..<500).array)
        }
    }

    /// In double precision a sum of n squares carries at most n roundings of 2^-53.
    @Test(arguments: [0, 1, 7, 8, 9, 1001])
    func sumsOfSquaresAreThoseOfDoublePrecision(count: Int) {
        let values = uniformFloats(count: count, seed: 3)
        let expected = values.reduce(0.0) { $0 + Double($1) * Double($1) }
        withMemory { memory in
            let sum = Reductions.sumOfSquares(memory.view(values))
            #expect(abs(sum - expected) <= Double(count) * 0x1p-53 * expected)
        }
    }

    @Test(arguments: 0..<17)
    func squaresBeyondTheRangeOfFloatAreSummed(place: Int) {
        withMemory { memory in
            let view = memory.view([Float](repeating: 0, count: 17))
            view[place] = 0x1p100
            #expect(Reductions.sumOfSquares(view) == 0x1p200)
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], [0, 8, 18])
    func oneElementThatIsNotFiniteIsFound(value: Float, place: Int) {
        withMemory { memory in
            let view = memory.view(uniformFloats(count: 19, seed: 4))
            view[3] = .greatestFiniteMagnitude
            #expect(Reductions.isFinite(view))
            view[place] = value
            #expect(!Reductions.isFinite(view))
        }
    }

    @Test func theGreatestChannelIsTheFirstAmongEquals() {
        withMemory { memory in
            let tensor = memory.vectors([[1, 3, 2, 3], [-4, -9, -1, -2], [0, 0, 0, 0]], margin: 1)
            #expect((0..<3).map { Reductions.argmax(tensor, image: $0) } == [1, 2, 0])
        }
    }
}
