import ApusKernels
import ApusNN
import ReferenceKernels
import Testing
import TestSupport

@Suite struct ParameterTests {
    private let input = Shape(height: 4, width: 4, channels: 3)

    @Test func channelsLastKeepsWeightsWithTheOutputLast() throws {
        let network = try Network(
            Conv2D(
                inputChannels: 3, outputChannels: 5, kernelSize: .init(height: 2, width: 3)), input: input,
            layout: .channelsLast)
        let weight = try network.parameter(named: "weight")
        #expect(weight.shape == [5, 3, 2, 3])
        let values = (0..<90).map { Float($0) }
        try network.setValues(values, of: weight)
        #expect(network.values(of: weight) == values)
        let memory = network.parameterBlock.slice(weight.range).array
        #expect(memory == ReferenceTensor(shape: weight.shape, values: values).outputLast)
    }

    @Test(arguments: Layout.allCases)
    func valuesReturnInTheOrderOfFiles(layout: Layout) throws {
        let network = try Network(
            Sequential {
                Conv2D(3, 4, kernel: 2, groups: 1)
                Flatten()
                Linear(36, 5)
            }, input: input, layout: layout)
        for (index, parameter) in network.parameters.enumerated() {
            let values = uniformFloats(count: parameter.count, seed: UInt64(index))
            try network.setValues(values, of: parameter)
            #expect(network.values(of: parameter) == values)
            // A block laid out alike, as an optimiser's state.
            let state = try FloatBuffer(count: network.parameterBlock.count)
            try network.setValues(values, of: parameter, in: state.view)
            #expect(network.values(of: parameter, in: state.view) == values)
            #expect(
                state.view.slice(parameter.range).array
                    == network.parameterBlock.slice(parameter.range).array)
        }
    }

    @Test func parametersStartAtCacheLinesWithZerosBetween() throws {
        let network = try Network(
            Sequential {
                Linear(3, 5)
                Linear(5, 2)
            }, input: .features(3))
        #expect(network.parameters.allSatisfy { $0.range.lowerBound % 16 == 0 })
        let used = Set(network.parameters.flatMap { Array($0.range) })
        #expect(used.count == network.parameterCount)
        for place in 0..<network.parameterBlock.count where !used.contains(place) {
            #expect(network.parameterBlock[place] == 0)
        }
    }

    @Test func mistakesNameTheParameter() throws {
        let network = try Network(Linear(3, 2), input: .features(3))
        #expect(throws: ParameterError.unknown(name: "wait", known: ["weight", "bias"])) {
            try network.parameter(named: "wait")
        }
        #expect(throws: ParameterError.count(name: "weight", shape: [2, 3], found: 5)) {
            try network.setValues([1, 2, 3, 4, 5], of: network.parameter(named: "weight"))
        }
        #expect(
            ParameterError.count(name: "weight", shape: [2, 3], found: 5).description
                == "parameter weight of shape [2, 3] wants 6 elements, found 5")
    }
}
