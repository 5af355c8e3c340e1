import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct PyTorchFileTests {
    private typealias Write = PickleWriter

    private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/PyTorch")

    private static func fixture(_ name: String) throws -> Data {
        try WholeFile.contents(of: directory.appending(path: "\(name).pth"))
    }

    /// Elements 0, 1, 2, ... in single precision.
    private static func floats(_ count: Int) -> Data {
        FileTensor(name: "", shape: [count], floats: (0..<count).map { Float($0) }).bytes
    }

    /// A file with one tensor `w` of a storage of `count` elements, 0, 1, 2, ...
    private static func file(_ tensor: [UInt8], count: Int = 6) -> Data {
        Write.zip(Write.pickle(Write.dictionary(Write.text("w"), tensor)), storages: [("0", floats(count))])
    }

    private func decode(_ file: Data) throws -> TensorFile { try PyTorchFile.decode(file, name: "some.pth") }

    private func failure(_ file: Data) -> FormatError? {
        #expect(throws: FormatError.self) { try decode(file) }
    }

    @Test(arguments: ["state", "layers", "checkpoint"], ["zip", "zip5", "legacy"])
    func tensorsEqualThoseThatPyTorchSaved(content: String, format: String) throws {
        let file = try PyTorchFile.read(Self.directory.appending(path: "\(content)-\(format).pth"))
        let truth = content == "state" ? "state" : "layers"
        let expected = try Safetensors.read(Self.directory.appending(path: "\(truth).safetensors"))
        #expect(file.tensors.count == (content == "state" ? 24 : 7))
        #expect(Set(file.tensors.map(\.name)) == Set(expected.tensors.map(\.name)))
        for tensor in file.tensors { #expect(tensor == expected[tensor.name]) }
    }

    @Test(arguments: ["zip", "zip5", "legacy"])
    func tensorsComeInTheDictionarysOrder(format: String) throws {
        #expect(
            try decode(Self.fixture("layers-\(format)")).tensors.map(\.name) == [
                "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                "1.num_batches_tracked",
            ])
    }

    @Test(arguments: ["zip", "legacy"])
    func elementsInOrderLieInTheFileItself(format: String) throws {
        let bytes = try Self.fixture("state-\(format)")
        let file = try decode(bytes)
        for (name, isInOrder) in [("base", true), ("row", true), ("scalar", true), ("transposed", false)] {
            let tensor = try #require(file[name])
            let isInside = bytes.withUnsafeBytes { whole in
                tensor.bytes.withUnsafeBytes { part in
                    guard let whole = whole.baseAddress, let part = part.baseAddress else { return false }
                    return part >= whole && part < whole + bytes.count
                }
            }
            #expect(isInside == isInOrder, "\(name)")
        }
    }

    @Test func aSliceOfAFileIsReadFromItsOwnBeginning() throws {
        for format in ["zip", "legacy"] {
            let file = try Self.fixture("state-\(format)")
            #expect(try decode((Data([9, 9, 9]) + file).dropFirst(3)) == decode(file))
        }
    }

    @Test func anEmptyDictionaryIsRead() throws {
        #expect(try decode(Write.zip(Write.pickle(Write.code("}")))) == TensorFile())
        #expect(try decode(Write.legacy(Write.pickle(Write.noHooks))) == TensorFile())
    }

    @Test func dictionariesOfPython2AndOldTensorsAreRead() throws {
        let storage = Write.storage("140", count: 6)
        let arguments = Write.tuple(storage, Write.integer(2), Write.integers([2]), Write.integers([3]))
        let tensor = Write.global("torch._utils", "_rebuild_tensor") + arguments + Write.code("R")
        let pair = Write.code("](U\u{1}w") + tensor + Write.code("e")
        let list = Write.code("](") + pair + Write.code("e")
        let pickle = Write.pickle(Write.orderedDictionary + Write.tuple(list) + Write.code("R"))
        let file = try decode(Write.legacy(pickle, storages: [("140", 6, Self.floats(6))]))
        #expect(file == TensorFile([FileTensor(name: "w", shape: [2], floats: [2, 5])]))
    }

    @Test func shapesMayBeOfTheirOwnClass() throws {
        let shape = Write.global("torch", "Size") + Write.tuple(Write.integers([3])) + Write.code("R")
        let arguments = Write.tuple(Write.storage(count: 6), Write.integer(3), shape, Write.integers([1]))
        let file = Self.file(Write.rebuild + arguments + Write.code("R"))
        #expect(try decode(file)["w"]?.floats == [3, 4, 5])
    }

    @Test func compressedArchivesAreRead() throws {
        let tensor = Write.tensor(Write.storage(count: 6), shape: [6], strides: [1])
        let pickle = Write.pickle(Write.dictionary(Write.text("w"), tensor))
        let file = Write.zip(
            pickle, storages: [("0", Self.floats(6))], more: [("some/byteorder", Data("little".utf8))],
            compressed: true)
        #expect(try decode(file)["w"]?.floats == [0, 1, 2, 3, 4, 5])
    }

    @Test(
        arguments: [
            ([2, 2], [3, 1], 0, [0, 1, 3, 4]), ([2, 2], [1, 3], 1, [1, 4, 2, 5]), ([1], [.max], 5, [5]),
            ([2, 2], [0, 0], 4, [4, 4, 4, 4]), ([], [], 2, [2]), ([0, 5], [.max, -1], .max, []),
            ([1, 2, 1, 3], [9, 3, 9, 1], 0, [0, 1, 2, 3, 4, 5]), ([3, 1, 2], [2, -1, 1], 0, nil),
            ([2, 3, 1], [1, 2, 50], 0, [0, 2, 4, 1, 3, 5]), ([7], [1], 0, nil), ([6], [1], 1, nil),
            ([2], [1], -1, nil), ([2], [-1], 1, nil), ([2], [6], 0, nil), ([2, 2], [.max, .max], 0, nil),
            ([3], [.max], 0, nil), ([1], [1], .max, nil), ([-1], [1], 0, nil),
            ([.max, .max], [0, 0], 0, nil),
        ] as [([Int], [Int], Int, [Float]?)])
    func everyElementLiesInTheStorageOrNoneIsRead(
        shape: [Int], strides: [Int], offset: Int, expected: [Float]?
    ) throws {
        let tensor = Write.tensor(Write.storage(count: 6), offset: offset, shape: shape, strides: strides)
        if let expected {
            #expect(try decode(Self.file(tensor)).tensors.map(\.floats) == [expected])
        } else {
            #expect(failure(Self.file(tensor))?.found.hasPrefix("tensor 'w' of the shape \(shape)") == true)
        }
    }

    @Test func expandedTensorsTakeNoMoreThanTheLimit() throws {
        func file(_ shape: [Int], copies: Int) -> Data {
            let tensor = Write.tensor(Write.storage(count: 6), shape: shape, strides: shape.map { _ in 0 })
            let items = (0..<copies).flatMap { Write.text("\($0)") + tensor }
            return Write.zip(Write.pickle(Write.dictionary(items)), storages: [("0", Self.floats(6))])
        }
        #expect(
            try decode(file([256, 256], copies: 4)).tensors.map(\.count) == [65_536, 65_536, 65_536, 65_536])
        let error = failure(file([256, 256], copies: 5))
        #expect(error?.found == "tensor '4' of the shape [256, 256]")
        #expect(error?.expected == "at most 1048576 bytes in all")
        #expect(failure(file([1 << 31, 1 << 20], copies: 1)) != nil)
    }

    @Test func storagesAreWhatThePickleSays() {
        func file(_ storages: [UInt8]...) -> Data {
            let items = storages.enumerated().flatMap {
                Write.text("\($0)") + Write.tensor($1, shape: [1], strides: [1])
            }
            return Write.zip(Write.pickle(Write.dictionary(items)), storages: [("0", Self.floats(6))])
        }
        #expect(failure(file(Write.storage("1", count: 6)))?.found == "no storage '1'")
        #expect(failure(file(Write.storage(count: 7)))?.found == "storage '0' of 24 bytes")
        #expect(failure(file(Write.storage(count: -6)))?.found == "storage '0' of 24 bytes")
        #expect(
            failure(file(Write.storage(type: "LongStorage", count: 6)))?.expected == "6 elements of int64")
        let view = Write.tuple(Write.text("1"), Write.integer(0), Write.integer(2))
        #expect(failure(file(Write.storage(count: 6, view: view)))?.found == "a storage inside storage '0'")
        #expect(
            failure(file(Write.storage(count: 6), Write.storage(type: "IntStorage", count: 6)))?.found
                == "storage '0' of 6 elements of int32")
        #expect(
            failure(file(Write.storage(type: "ComplexFloatStorage", count: 6)))?.found
                == "the class torch.ComplexFloatStorage")
    }

    @Test func lazyChangesOfElementsAreReported() {
        let negated = Write.tensor(
            Write.storage(count: 6), shape: [6], strides: [1],
            metadata: Write.dictionary(Write.text("neg"), [0x88]))
        #expect(failure(Self.file(negated))?.found.hasPrefix("a call with a storage, ") == true)
        let plain = Write.tensor(
            Write.storage(count: 6), shape: [6], strides: [1], metadata: Write.code("}"))
        #expect(throws: Never.self) { try decode(Self.file(plain)) }
    }

    @Test(arguments: [
        (Write.tensor(Write.storage(count: 6), shape: [6], strides: [1]), "a tensor", "tensors by name"),
        (Write.code("]"), "a list", "tensors by name"),
        (
            Write.dictionary(Write.text("epoch"), Write.integer(3)), "a whole number 'epoch'",
            "tensors alone, or a dictionary of them under 'state_dict'"
        ),
        (
            Write.dictionary(Write.integer(3), Write.code("N")), "a whole number for a name",
            "names of tensors"
        ),
        (
            Write.dictionary(Write.text("state_dict"), Write.dictionary(Write.text("w"), Write.code("N"))),
            "nothing 'w' in 'state_dict'", "tensors alone"
        ),
        (
            Write.dictionary(Write.text("model"), Write.code("}")), "a dictionary 'model'",
            "tensors alone, or a dictionary of them under 'state_dict'"
        ),
    ])
    func whatIsNoStateDictionaryIsReported(value: [UInt8], found: String, expected: String) {
        let file = Write.zip(Write.pickle(value), storages: [("0", Self.floats(6))])
        let error = FormatError(file: "some.pth", offset: 43, found: found, expected: expected)
        #expect(failure(file) == error)
    }

    @Test func twoTensorsOfANameAreReported() {
        let tensor = Write.tensor(Write.storage(count: 6), shape: [6], strides: [1])
        let twice = Write.dictionary(Write.text("w"), tensor, Write.text("w"), tensor)
        #expect(failure(Write.zip(Write.pickle(twice)))?.found == "a second tensor 'w'")
    }

    @Test func archivesThatAreNotPyTorchsAreReported() {
        let empty = Write.pickle(Write.code("}"))
        let two = Write.zip(empty, more: [("other/data.pkl", empty)])
        #expect(failure(two)?.found == "2 pickles among 2 entries")
        var none = Write.zip(empty)
        while let place = none.range(of: Data("data.pkl".utf8)) {
            none.replaceSubrange(place, with: "data.npy".utf8)
        }
        #expect(failure(none)?.found == "0 pickles among 1 entries")
        let big = Write.zip(empty, more: [("some/byteorder", Data("big".utf8))])
        #expect(failure(big)?.found == "another order of bytes")
        #expect(failure(Write.zip(empty + [0]))?.found == "1 bytes more")
        #expect(failure(Data("PK".utf8))?.found == "other bytes")
        #expect(failure(Data())?.offset == 0)
    }

    @Test func rowsOfPicklesThatAreNotPyTorchsAreReported() {
        let storage = Write.storage(count: 6)
        let pickle = Write.pickle(
            Write.dictionary(Write.text("w"), Write.tensor(storage, shape: [6], strides: [1])))
        let whole = Write.legacy(pickle, storages: [("0", 6, Self.floats(6))])
        #expect(throws: Never.self) { try decode(whole) }
        #expect(failure(Write.pickle(Write.code("}")))?.expected == "PyTorch's magic number in one")
        var later = whole
        later[18] = 0xEA
        #expect(failure(later)?.expected == "version 1001")
        let big = Write.legacy(pickle, storages: [("0", 6, Self.floats(6))], isLittleEndian: false)
        #expect(failure(big)?.expected == "a machine of little-endian numbers")
        #expect(failure(Write.legacy(pickle))?.found == "no storage '0'")
        let twice = [("0", 6, Self.floats(6)), ("0", 6, Self.floats(6))]
        #expect(failure(Write.legacy(pickle, storages: twice))?.found == "text in the list of storages")
        let unknown = Write.legacy(pickle, storages: [("1", 6, Self.floats(6))])
        #expect(failure(unknown)?.found == "text in the list of storages")
        let more = Write.legacy(pickle, storages: [("0", 7, Self.floats(7))])
        #expect(failure(more)?.found == "storage '0' of 7 elements")
        #expect(failure(whole + [0])?.found == "1 bytes more")
    }

    @Test func whatCannotBeOpenedIsReported() {
        let missing = Self.directory.appending(path: "none.pth")
        #expect(throws: FileError(path: missing.path, operation: .open, code: ENOENT)) {
            try PyTorchFile.read(missing)
        }
    }

    @Test(arguments: ["layers-zip", "layers-legacy", "state-legacy", "checkpoint-legacy"])
    func damageIsReportedOrHarmless(name: String) throws {
        expectSurvivesDamage(of: try Self.fixture(name), limit: 1 << 20) { try decode($0) }
    }

    @Test func damageOfAPickleIsReportedOrHarmless() throws {
        // With a checksum that is right all the same.
        let archive = try ZipArchive(Self.fixture("state-zip"), name: "")
        let entry = try #require(archive.entries.first { $0.name == "state-zip/data.pkl" })
        let pickle = try archive.contents(of: entry)
        let folder = "state-zip/data/"
        let storages = try archive.entries.filter { $0.name.hasPrefix(folder) }.map {
            (String($0.name.dropFirst(folder.count)), try archive.contents(of: $0))
        }
        #expect(!storages.isEmpty)
        expectSurvivesDamage(of: pickle, limit: 1 << 20) { damaged in
            try decode(Write.zip(damaged, storages: storages))
        }
    }
}
