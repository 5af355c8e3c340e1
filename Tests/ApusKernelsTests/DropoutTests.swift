import ApusKernels
import Testing
import TestSupport

@Suite struct DropoutTests {
    private static let shape = Shape(height: 10, width: 10, channels: 40)

    private func stream(_ image: Int) -> CounterRandom {
        CounterRandom(seed: 3, purpose: .dropout, unit: 2, epoch: 5, sample: image)
    }

    /// Of n = 12 000 elements the share dropped lies within 5 standard deviations, sqrt(p (1 - p) / n), of
    /// the rate.
    @Test(arguments: [0.1, 0.5, 0.9] as [Float], Layout.allCases)
    func elementsAreDroppedAtTheirRateAndTheRestScaled(rate: Float, layout: Layout) {
        withMemory { memory in
            let input = memory.tensor(batch: 3, Self.shape, layout, margin: 1)
            input.fill(2)
            let output = memory.tensor(batch: 3, Self.shape, layout, margin: 2)
            DropoutMask.apply(input, rate: rate, into: output, stream: stream)
            let values = output.channelsFirstArray
            let dropped = values.filter { $0 == 0 }
            let share = Double(dropped.count) / 12_000
            let deviation = (Double(rate) * (1 - Double(rate)) / 12_000).squareRoot()
            #expect(abs(share - Double(rate)) < 5 * deviation)
            let kept = 2 * (1 / (1 - rate))
            #expect(values.allSatisfy { $0 == 0 || $0 == kept })
            // Images of a batch drop elements of their own.
            #expect(Array(values[0..<4000]) != Array(values[4000..<8000]))
        }
    }

    /// The C loops draw what `CounterRandom` draws, also in rows that begin and end within a block of words.
    @Test(arguments: Layout.allCases, [0, 1])
    func anElementIsKeptWhereItsWordIsAtLeastTheRate(layout: Layout, margin: Int) {
        withMemory { memory in
            let input = memory.tensor(batch: 2, Self.shape, layout, margin: margin)
            input.fill(1)
            let output = memory.tensor(batch: 2, Self.shape, layout, margin: margin)
            DropoutMask.apply(input, rate: 0.25, into: output, stream: stream)
            var differing = 0
            for image in 0..<2 {
                let random = stream(image)
                for element in 0..<Self.shape.count {
                    let (channel, pixel) =
                        layout != .channelsLast
                        ? element.quotientAndRemainder(dividingBy: 100)
                        : (element % 40, element / 40)
                    let isKept = output[image, pixel / 10, pixel % 10, channel] != 0
                    if isKept != (random.word(at: element) >= 1 << 30) { differing += 1 }
                }
            }
            #expect(differing == 0)
        }
    }

    @Test(arguments: Layout.allCases)
    func theSameStreamDropsTheSameElementsInPlaceAndInAddition(layout: Layout) {
        withMemory { memory in
            let input = memory.tensor(batch: 3, Self.shape, layout)
            input.fill(1)
            let output = memory.tensor(batch: 3, Self.shape, layout, margin: 1)
            DropoutMask.apply(input, rate: 0.4, into: output, stream: stream)
            let mask = output.channelsFirstArray
            DropoutMask.apply(input, rate: 0.4, into: output, adding: true, stream: stream)
            expectEqual(output.channelsFirstArray, mask.map { 2 * $0 })
            DropoutMask.apply(input, rate: 0.4, into: input, stream: stream)
            expectEqual(input.channelsFirstArray, mask)
        }
    }

    @Test func imagesDropTheSameElementsWhereverTheirBatchIsCut() {
        withMemory { memory in
            let whole = memory.tensor(batch: 3, Self.shape, .channelsLast)
            whole.fill(1)
            let part = memory.tensor(batch: 1, Self.shape, .channelsLast)
            part.fill(1)
            DropoutMask.apply(whole, rate: 0.5, into: whole, stream: stream)
            DropoutMask.apply(part, rate: 0.5, into: part) { stream($0 + 2) }
            expectEqual(part.channelsFirstArray, whole.images(2..<3).channelsFirstArray)
        }
    }

    @Test func aRateOfZeroDropsNothing() {
        withMemory { memory in
            let tensor = memory.vectors([uniformFloats(count: 100, seed: 1)])
            let before = tensor.channelsFirstArray
            DropoutMask.apply(tensor, rate: 0, into: tensor, stream: stream)
            expectEqual(tensor.channelsFirstArray, before)
        }
    }
}
