import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Testing

@Suite("Weights")
struct WeightsTests {
    private let network: Network
    private let other: Network

    init() throws {
        network = try Network(LeNet5(), seed: 1)
        other = try Network(LeNet5(), seed: 2)
    }

    /// The tensors of `other`, changed.
    private func file(_ change: (inout [FileTensor]) -> Void = { _ in }) -> TensorFile {
        var tensors = other.tensors
        change(&tensors)
        return TensorFile(tensors)
    }

    /// What loading says, after which every parameter must be as it was.
    private func refusal(_ file: TensorFile, fitting: Bool = false) -> WeightsError? {
        let before = network.tensors
        let error = #expect(throws: WeightsError.self) {
            if fitting {
                _ = try network.loadFitting(file, named: "w")
            } else {
                try network.load(file, named: "w")
            }
        }
        #expect(network.tensors == before)
        return error
    }

    @Test("Tensors have PyTorch's names, shapes and order, in any layout", arguments: Layout.allCases)
    func tensors(layout: Layout) throws {
        let network = try Network(SqueezeNet1_1(), seed: 3, layout: layout)
        let tensors = network.tensors
        #expect(tensors.map(\.name) == network.parameters.map(\.name))
        #expect(tensors[0].name == "features.0.weight" && tensors[0].shape == [64, 3, 3, 3])
        #expect(tensors.reduce(0) { $0 + $1.count } == 1_235_496)
        let again = try Network(SqueezeNet1_1(), seed: 4, layout: .channelsFirst)
        try again.load(TensorFile(tensors), named: "w")
        #expect(again.tensors == tensors)
    }

    @Test("Loading sets every parameter by its name, whatever the order of the file")
    func load() throws {
        try network.load(file { $0.reverse() }, named: "w")
        #expect(network.tensors == other.tensors)
    }

    @Test("A tensor too many is refused with the nearest parameter's name")
    func extra() {
        let misspelt = refusal(file { $0[2] = $0[2].named("conv2.wieght") })
        #expect(
            misspelt?.description
                == "w, tensor conv2.wieght: found no parameter of that name, expected tensors of the "
                + "network's parameters alone; did you mean 'conv2.weight' by 'conv2.wieght'?")
        let strangers = refusal(
            file { $0 += (0..<5).map { FileTensor(name: "stranger\($0)", shape: [], floats: [0]) } })
        #expect(strangers?.tensors == (0..<5).map { "stranger\($0)" })
        let text = strangers?.description ?? ""
        #expect(text.contains("tensors stranger0, stranger1, stranger2 and 2 more:"))
        #expect(!text.contains("did you mean"))
    }

    @Test("A parameter that is not there is named with its shape")
    func missing() {
        let error = refusal(file { $0.remove(at: 4) })
        #expect(error?.tensors == ["fc1.weight"])
        #expect(error?.expected.contains("[120, 400]") == true)
    }

    @Test("Another shape is an error with both, be it of the same count")
    func shape() {
        let turned = refusal(
            file { $0[4] = FileTensor(name: "fc1.weight", shape: [400, 120], floats: $0[4].floats) })
        #expect(
            turned?.description == "w, tensor fc1.weight: found the shape [400, 120], expected [120, 400]")
    }

    @Test("Numbers that are not finite, or whole by their type, are refused", arguments: [false, true])
    func values(fitting: Bool) {
        var floats = [Float](repeating: 0, count: 6)
        floats[4] = .nan
        let notFinite = refusal(
            file { $0[1] = FileTensor(name: "conv1.bias", shape: [6], floats: floats) }, fitting: fitting)
        #expect(notFinite?.tensors == ["conv1.bias"] && notFinite?.found == "nan at element 4")
        let whole = refusal(
            file {
                $0[1] = FileTensor(
                    name: "conv1.bias", shape: [6], integers: [Int64](repeating: 0, count: 6))
            }, fitting: fitting)
        #expect(whole?.tensors == ["conv1.bias"] && whole?.found.contains("int64") == true)
    }

    @Test("Fitting takes what fits by name and shape, and says what it left")
    func fitting() throws {
        let source = try Network(LeNet5(classes: 3), seed: 5)
        let stranger = FileTensor(name: "stranger", shape: [1], floats: [0])
        let tensors = source.tensors.filter { $0.name != "fc2.bias" } + [stranger]
        let before = network.tensors
        let report = try network.loadFitting(TensorFile(tensors), named: "w")
        #expect(
            report.loaded == [
                "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias",
                "fc2.weight",
            ])
        #expect(report.missing == ["fc2.bias"])
        #expect(report.skipped.map(\.name) == ["fc3.weight", "fc3.bias", "stranger"])
        #expect(
            report.skipped.map(\.reason) == [
                .shape(found: [3, 84], expected: [10, 84]), .shape(found: [3], expected: [10]), .noParameter,
            ])
        #expect(Array(network.tensors[..<7]) == Array(source.tensors[..<7]))
        #expect(Array(network.tensors[7...]) == Array(before[7...]))
    }

    @Test("Fitting refuses a file of which nothing fits")
    func nothingFits() {
        let error = refusal(
            TensorFile([FileTensor(name: "conv1.bias", shape: [7], floats: [Float](repeating: 0, count: 7))]),
            fitting: true)
        #expect(error?.tensors == [])
        #expect(error?.found.contains("conv1.bias: found the shape [7], expected [6]") == true)
        #expect(refusal(TensorFile(), fitting: true)?.found == "no tensors")
    }
}
