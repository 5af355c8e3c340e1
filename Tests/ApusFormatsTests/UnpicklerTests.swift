import ApusFormats
import Foundation
import Testing

/// Pickles that want more than tensors, or more than the file is worth.
@Suite struct UnpicklerTests {
    private typealias Write = PickleWriter

    private func decode(_ pickle: Data) throws -> TensorFile {
        try PyTorchFile.decode(Write.zip(pickle), name: "some.pth")
    }

    private func failure(_ value: [UInt8]) -> FormatError? {
        #expect(throws: FormatError.self) { try decode(Write.pickle(value)) }
    }

    @Test(arguments: [
        ("posix", "system"), ("builtins", "eval"), ("__builtin__", "dict"), ("torch", "FloatTensor"),
        ("torch._utils", "_rebuild_sparse_tensor"), ("torch.nn.modules.linear", "Linear"),
        ("collections", "OrderedDict.fromkeys"), ("torch.storage", "_load_from_bytes"), ("", ""),
    ])
    func classesBesideTensorsAreRefusedByName(module: String, name: String) {
        let expected = "tensors and ordered dictionaries alone"
        let call = Write.tuple(Write.text("touch /tmp/called")) + Write.code("R")
        for type in [Write.global(module, name), Write.text(module) + Write.text(name) + [0x93]] {
            let error = failure(type + call)
            #expect(error?.found == "the class \(module).\(name)")
            #expect(error?.expected == expected)
            let legacy = Write.legacy(Write.pickle(type + call))
            #expect(throws: FormatError.self) { try PyTorchFile.decode(legacy, name: "some.pth") }
        }
    }

    @Test func anErrorSaysFileAndPlace() {
        #expect(
            failure(Write.global("posix", "system"))?.description
                == "some.pth, byte 45: found the class posix.system, "
                + "expected tensors and ordered dictionaries alone")
    }

    @Test func classesAreNoFunctionsAndFunctionsNoValues() {
        let storage = Write.global("torch", "FloatStorage") + Write.code(")R")
        #expect(failure(storage)?.found == "a call with nothing")
        #expect(failure(Write.text("x") + Write.code(")R"))?.found == "a call of text with a tuple")
        #expect(
            failure(Write.orderedDictionary + Write.code("NR"))?.found == "a call of a class with nothing")
        #expect(failure(Write.orderedDictionary)?.found == "a class")
        #expect(failure(Write.text("x") + Write.code("}b"))?.found == "attributes of text")
        #expect(failure(Write.code("NQ"))?.found == "nothing outside the pickle")
        #expect(failure(Write.code("NN") + [0x93])?.found == "nothing and nothing")
        let arguments = [[UInt8]](repeating: Write.code("N"), count: 6)
        for function in ["_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state"] {
            let call = Write.global("torch._utils", function) + Write.code("(") + arguments.joined()
            #expect(failure(call + Write.code("tR"))?.found.hasPrefix("a call with nothing, nothing") == true)
        }
        #expect(failure(Write.global("torch", "Size") + Write.code("NNN") + [0x87] + Write.code("R")) != nil)
    }

    @Test(
        arguments: [
            ([0x69], "the instruction 0x69"),
            ([0x81], "the instruction 0x81"),
            ([0x80, 0], "a pickle of protocol 0"),
            ([0x80, 6], "a pickle of protocol 6"),
            ([], "a stack with too few values"),
            (Array("(".utf8), "a stack with too few values"),
            (Array("N(a".utf8), "a stack with too few values"),
            (Array("]N(Na".utf8), "an empty stack"),
            (Array("NNa".utf8), "nothing to add to"),
            (Array("t".utf8), "a stack without a mark"),
            (Array("](Ne(".utf8), "a stack with too few values"),
            (Array("}(Nu".utf8), "a dictionary to add 1 keys and values to"),
            (Array("](NNu".utf8), "a list to add 2 keys and values to"),
            (Array("}Na".utf8), "a dictionary to add to"),
            (Array("q\u{0}".utf8), "an empty stack"),
            (Array("h\u{0}".utf8), "the memory 0"),
            (Array("Nq\u{1}h\u{0}".utf8), "the memory 0"),
            (Array("Nq\u{1}h\u{2}".utf8), "the memory 2"),
            (Array("Nr".utf8) + [0xFF, 0xFF, 0xFF, 0xFF], "the memory 4294967295"),
            (Array("X\u{2}\u{0}\u{0}\u{0}".utf8) + [0xC3, 0x28], "bytes that are no text"),
        ] as [([UInt8], String)])
    func programsWithoutAMeaningAreReported(value: [UInt8], found: String) {
        #expect(failure(value)?.found == found)
    }

    @Test(
        arguments: [
            Array("X".utf8) + [0xFF, 0xFF, 0xFF, 0xFF], Array("T".utf8) + [0xFF, 0xFF, 0xFF, 0x7F],
            Array("U".utf8) + [0xFF], [0x8C, 0xFF], [0x8A, 0xFF], [0x95], Array("J".utf8), Array("G".utf8),
            Array("cposix".utf8),
        ] as [[UInt8]])
    func lengthsBeyondTheFileAreReported(value: [UInt8]) {
        let error = failure(value)
        #expect(
            error?.found.contains("up to the end of entry 'some/data.pkl'") == true
                || error?.found.hasPrefix("no line feed in") == true)
    }

    @Test func longNamesAreCut() {
        let long = String(repeating: "n", count: 100_000)
        #expect(failure(Write.global(long, "x"))?.found == "no line feed in 256 bytes")
        #expect((failure(Write.text(long) + Write.text(long) + [0x93])?.found.count ?? .max) < 600)
    }

    /// 500,000 deep, far more than the stack of a thread has room for.
    @Test func nestingCostsNoStack() {
        let depth = 500_000
        let lists = Write.code("]", depth) + Write.code("a", depth - 1)
        #expect(failure(lists)?.found == "a list")
        let tuples = Write.code("N") + [UInt8](repeating: 0x85, count: depth)
        #expect(failure(tuples)?.found == "a tuple")
        #expect(failure(Write.code("(", depth) + Write.code("t", depth))?.found == "a tuple")
        let itself = Write.code("}q\u{0}(") + Write.text("state_dict") + Write.code("h\u{0}u")
        #expect(failure(itself)?.found == "a dictionary 'state_dict' in 'state_dict'")
    }

    /// Each value holds the one before twice: 2^200 in all, were they copied.
    @Test func valuesInManyPlacesAreHeldOnce() {
        let pair = Write.code("q\u{0}h\u{0}(h\u{0}h\u{0}t")
        let doubling = (0..<200).reduce(into: Write.code("N")) { program, _ in program += pair }
        #expect(failure(doubling)?.found == "a tuple")
    }

    @Test func listsAreNotCopiedAgainAndAgain() {
        let list = Write.code("](") + Write.code("(NNt", 1000) + Write.code("eq\u{0}")
        let type = Write.orderedDictionary + Write.code("q\u{1}")
        let copy = "h\u{1}(h\u{0}tR"
        #expect(failure(list + type + Write.code(copy))?.found == "nothing for a name")
        #expect(failure(list + type + Write.code(copy, 100))?.expected == "no more than the file holds")
    }

    @Test func shapesAreNotCopiedAgainAndAgain() {
        let ones = Write.integers([Int](repeating: 1, count: 64))
        let arguments = Write.tuple(Write.storage(count: 1), Write.integer(0), ones, ones)
        let function = Write.global("torch._utils", "_rebuild_tensor")
        let kept = function + Write.code("q\u{0}") + arguments + Write.code("q\u{1}R")
        let copy = "h\u{0}h\u{1}R"
        #expect(failure(kept + Write.code(copy))?.found == "a tensor")
        let error = failure(kept + Write.code(copy, 10))
        #expect(error?.found.hasSuffix(" pairs of dictionaries, extents and strides") == true)
        #expect(error?.expected == "no more than the file holds")
    }

    @Test func shapesAreNoLongerThanTensorsHave() throws {
        for rank in [64, 65] {
            let ones = [Int](repeating: 1, count: rank)
            let tensor = Write.tensor(Write.storage(count: 1), shape: ones, strides: ones)
            let pickle = Write.pickle(Write.dictionary(Write.text("w"), tensor))
            let file = Write.zip(pickle, storages: [("0", Data(count: 4))])
            if rank == 64 {
                #expect(try PyTorchFile.decode(file, name: "").tensors.map(\.shape) == [ones])
            } else {
                #expect(throws: FormatError.self) { try PyTorchFile.decode(file, name: "") }
            }
        }
    }

    @Test func endlessProgramsAreReported() {
        #expect(failure(Write.code("N", 1 << 22))?.found == "more than 4194304 instructions")
    }

    @Test(
        arguments: [
            (7, Array("K".utf8) + [7]), (258, Array("M".utf8) + [2, 1]),
            (515, Array("J".utf8) + [3, 2, 0, 0]),
            (0, [0x8A, 0]), (127, [0x8A, 1, 127]), (300, [0x8A, 2, 44, 1]),
            (9, [0x8A, 8, 9, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(Int, [UInt8])])
    func wholeNumbersOfEveryLengthAreRead(value: Int, code: [UInt8]) throws {
        let arguments = Write.tuple(Write.storage(count: 600), code, Write.code(")"), Write.code(")"))
        let tensor = Write.global("torch._utils", "_rebuild_tensor") + arguments + Write.code("R")
        let pickle = Write.pickle(Write.dictionary(Write.text("w"), tensor))
        let numbers = FileTensor(name: "", shape: [600], floats: (0..<600).map { Float($0) })
        let file = Write.zip(pickle, storages: [("0", numbers.bytes)])
        #expect(try PyTorchFile.decode(file, name: "")["w"]?.floats == [Float(value)])
    }

    @Test(
        arguments: [
            Array("J".utf8) + [0xFF, 0xFF, 0xFF, 0xFF], [0x8A, 1, 0xFF],
            [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x80],
        ] as [[UInt8]])
    func negativeNumbersAreNoPlaces(code: [UInt8]) {
        let arguments = Write.tuple(Write.storage(count: 1), code, Write.code(")"), Write.code(")"))
        let tensor = Write.global("torch._utils", "_rebuild_tensor") + arguments + Write.code("R")
        let pickle = Write.pickle(Write.dictionary(Write.text("w"), tensor))
        let error = #expect(throws: FormatError.self) {
            try PyTorchFile.decode(Write.zip(pickle, storages: [("0", Data(count: 4))]), name: "")
        }
        #expect(error?.expected == "one within the 1 elements of its storage")
    }
}
