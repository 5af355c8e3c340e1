import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite struct ChannelScaleTests {
    private static let shape = [3, 5, 4, 2]

    @Test(arguments: Layout.allCases, [0, 2])
    func forwardScalesAndShiftsEachChannel(layout: Layout, margin: Int) {
        let input = integerTensor(Self.shape, seed: 1)
        withMemory { memory in
            let output = memory.tensor(
                batch: 3, Shape(height: 4, width: 2, channels: 5), layout, margin: margin)
            ChannelScale.forward(
                memory.tensor(input, layout, margin: margin), scale: memory.view([1, 2, -3, 4, 0]),
                bias: memory.view([7, 0, 1, -2, 5]), into: output)
            let expected = input.values.enumerated().map { place, x in
                [1, 2, -3, 4, 0][place / 8 % 5] * x + [7, 0, 1, -2, 5][place / 8 % 5]
            }
            expectEqual(output.channelsFirstArray, expected)
        }
    }

    @Test(arguments: Layout.allCases, Target.allCases)
    func gradientsEqualTheirSums(layout: Layout, target: Target) {
        let input = integerTensor(Self.shape, seed: 2)
        let upstream = integerTensor(Self.shape, seed: 3)
        let old = integerTensor(Self.shape, seed: 4)
        let scale: [Float] = [1, 2, -3, 4, 0]
        var scaleGradient: [Float] = [1, 1, 1, 1, 1]
        var biasGradient: [Float] = [2, 2, 2, 2, 2]
        var inputGradient = target == .add ? old.values : [Float](repeating: 0, count: old.count)
        for place in input.values.indices {
            let channel = place / 8 % 5
            scaleGradient[channel] += upstream.values[place] * input.values[place]
            biasGradient[channel] += upstream.values[place]
            inputGradient[place] += scale[channel] * upstream.values[place]
        }
        withMemory { memory in
            let dx = memory.tensor(old, layout, margin: 1)
            let ds = memory.view([1, 1, 1, 1, 1])
            let db = memory.view([2, 2, 2, 2, 2])
            ChannelScale.backward(
                memory.tensor(upstream, layout, margin: 2), input: memory.tensor(input, layout),
                scale: memory.view(scale), scaleGradient: ds, biasGradient: db,
                inputGradient: target.destination(dx))
            expectEqual(dx.channelsFirstArray, inputGradient)
            expectEqual(ds.array, scaleGradient)
            expectEqual(db.array, biasGradient)
        }
    }
}
