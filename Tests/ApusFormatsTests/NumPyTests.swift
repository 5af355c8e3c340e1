import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct NumPyTests {
    /// A file of this header, in version 1.0, and these elements.
    private static func file(_ header: String, _ elements: [UInt8] = []) -> Data {
        let length = header.utf8.count
        return [0x93] + Data("NUMPY\u{1}\u{0}".utf8) + [UInt8(length & 0xFF), UInt8(length >> 8)]
            + Data(header.utf8) + elements
    }

    /// A file as NumPy 2.4 writes it: a dictionary, spaces up to 128 bytes in all, a new line, the elements.
    private static func numPyFile(_ version: UInt8, _ dictionary: String, _ elements: [UInt8]) -> Data {
        let length: [UInt8] = version == 1 ? [118, 0] : [116, 0, 0, 0]
        let header = Data((dictionary + String(repeating: " ", count: 128)).utf8).prefix(Int(length[0]) - 1)
        return [0x93] + Data("NUMPY".utf8) + [version, 0] + length + header + [10] + elements
    }

    /// `np.arange(6, dtype='<f4').reshape(2, 3) / 2`
    private static let floats = numPyFile(
        1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        [0, 0, 0, 0, 0, 0, 0, 63, 0, 0, 128, 63, 0, 0, 192, 63, 0, 0, 0, 64, 0, 0, 32, 64])
    /// `np.array(-5)`
    private static let scalar = numPyFile(
        1, "{'descr': '<i8', 'fortran_order': False, 'shape': (), }",
        [251, 255, 255, 255, 255, 255, 255, 255])
    /// `np.array([1, 255], np.uint8)`
    private static let vector = numPyFile(
        1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", [1, 255])
    /// `np.asfortranarray(np.arange(24, dtype='<i2').reshape(2, 3, 4))`
    private static let fortran = numPyFile(
        1, "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 4), }",
        [0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23]
            .flatMap { [$0, 0] })

    private func tensor(_ bytes: Data) throws -> FileTensor {
        try #require(try NumPy.decode(bytes, name: "some.npy").tensors.first)
    }

    private func failure(_ file: Data) -> FormatError? {
        #expect(throws: FormatError.self) { try NumPy.decode(file, name: "some.npy") }
    }

    @Test func filesOfNumPyAreRead() throws {
        #expect(
            try tensor(Self.floats)
                == FileTensor(name: "some", shape: [2, 3], floats: [0, 0.5, 1, 1.5, 2, 2.5]))
        #expect(try tensor(Self.scalar) == FileTensor(name: "some", shape: [], integers: [-5]))
        #expect(try tensor(Self.vector).elementType == .uint8)
        #expect(try tensor(Self.vector).integers == [1, 255])
        let empty = try tensor(
            Self.numPyFile(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (0, 3), }", []))
        #expect(empty == FileTensor(name: "some", shape: [0, 3], elementType: .bool, bytes: Data()))
    }

    @Test func everyVersionIsRead() throws {
        let half: [UInt8] = [0, 56, 255, 123, 1, 0]
        for version in [1, 2, 3] as [UInt8] {
            let file = Self.numPyFile(
                version, "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", half)
            #expect(try tensor(file).floats == [0.5, 65504, 0x1p-24])
        }
    }

    @Test func bigEndianElementsAreTurned() throws {
        let doubles = try tensor(
            Self.numPyFile(
                1, "{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }",
                [63, 248, 0, 0, 0, 0, 0, 0, 192, 0, 0, 0, 0, 0, 0, 0]))
        #expect(doubles.floats == [1.5, -2])
        let bytes = try tensor(Self.file("{'descr':'>i1','fortran_order':False,'shape':(2,)}", [1, 255]))
        #expect(bytes.integers == [1, -1])
    }

    @Test func elementsWithTheFirstIndexFastestAreReordered() throws {
        #expect(try tensor(Self.fortran).shape == [2, 3, 4])
        #expect(try tensor(Self.fortran).integers == Array(0..<24))
        // `np.asfortranarray(np.arange(6, dtype='>i4').reshape(2, 3))`
        let both = Self.numPyFile(
            2, "{'descr': '>i4', 'fortran_order': True, 'shape': (2, 3), }",
            [0, 3, 1, 4, 2, 5].flatMap { [0, 0, 0, $0] })
        #expect(try tensor(both).integers == Array(0..<6))
        let header = "{'descr':'|u1','fortran_order':True,'shape':"
        #expect(try tensor(Self.file(header + "(3,0)}")).bytes.isEmpty)
        #expect(try tensor(Self.file(header + "()}", [7])).integers == [7])
        #expect(try tensor(Self.file(header + "(1,3,1)}", [1, 2, 3])).integers == [1, 2, 3])
    }

    @Test func filesWrittenAreNumPysByteForByte() throws {
        for file in [Self.floats, Self.scalar, Self.vector] {
            #expect(try NumPy.encode(NumPy.decode(file, name: "some.npy")) == file)
        }
    }

    @Test(arguments: ElementType.allCases, [[], [1], [0], [3], [2, 1, 3], [2, 0, 5]])
    func whatIsWrittenIsReadBack(type: ElementType, shape: [Int]) throws {
        let count = shape.reduce(type.byteCount, *)
        let tensor = FileTensor(
            name: "a tensor.v1", shape: shape, elementType: type,
            bytes: Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }))
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "a tensor.v1.npy")
        try NumPy.write(TensorFile([tensor]), to: url)
        let read = try NumPy.read(url)
        if type == .bfloat16 {
            #expect(read == TensorFile([FileTensor(name: tensor.name, shape: shape, floats: tensor.floats)]))
        } else {
            #expect(read == TensorFile([tensor]))
        }
        let elements = try WholeFile.contents(of: url).count - read.tensors[0].bytes.count
        #expect(elements % 64 == 0, "elements begin at a multiple of 64 bytes")
    }

    @Test func onlyOneTensorOfFewDimensionsIsWritten() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "some.npy")
        func tensor(_ rank: Int) -> FileTensor {
            FileTensor(name: "t", shape: Array(repeating: 1, count: rank), floats: [0])
        }
        for count in [0, 2] {
            let file = TensorFile((0..<count).map { tensor($0) })
            #expect(throws: TensorFileError.notOneTensor(count: count)) { try NumPy.write(file, to: url) }
        }
        #expect(throws: TensorFileError.tooManyDimensions(name: "t", count: 65, limit: 64)) {
            try NumPy.write(TensorFile([tensor(65)]), to: url)
        }
        #expect(try folder.names().isEmpty)
        #expect(
            try NumPy.decode(NumPy.encode(TensorFile([tensor(64)])), name: "t.npy").tensors == [tensor(64)])
    }

    @Test(arguments: [
        ("'<f4'", "'|O'", "the type |O, objects of Python"),
        ("'<f4'", "'<c8'", "the type <c8"),
        ("'<f4'", "'<u4'", "the type <u4"),
        ("'<f4'", "'f4'", "the type f4"),
        ("'<f4'", "''", "the type "),
        ("'<f4'", "'<f4\\'", "the type <f4\\"),
        ("'<f4'", "[('a', '<f4')]", "a type of several fields"),
        ("'<f4'", "None", "N"),
        ("False", "false", "false"),
        ("False", "0", "0"),
        ("False", "'", "'"),
        ("(2,)", "(2)", ")"),
        ("(2,)", "(-2,)", "-"),
        ("(2,)", "(2L,)", "2L"),
        ("(2,)", "(2,,)", ","),
        ("(2,)", "((2,),)", "("),
        ("(2,)", "[2]", "["),
        ("(2,)", "(3,)", "8 bytes of elements"),
        ("(2,)", "(1,)", "8 bytes of elements"),
        ("(2,)", "(4611686018427387904,4)", "8 bytes of elements"),
        ("(2,)", "(99999999999999999999,)", "99999999999999999999"),
        ("(2,)", "(\(String(repeating: "1,", count: 64))2)", "65 dimensions"),
        ("'shape': (2,)", "'shape': (2,), 'shape': (2,)", "shape a second time"),
        (", 'shape': (2,)", "", "a header without shape"),
        ("'descr': '<f4', ", "", "a header without descr"),
        ("'fortran_order': False, ", "", "a header without fortran_order"),
        ("'shape'", "'extra': 1, 'shape'", "the key extra"),
        ("}", "} 1", "1"),
        ("}", "", "the end of the header"),
        ("{", "", "'"),
    ])
    func aWrongHeaderIsReported(old: String, new: String, found: String) throws {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
        let elements = [UInt8](repeating: 0, count: 8)
        #expect(try tensor(Self.file(header, elements)).count == 2)
        let changed = header.replacingOccurrences(of: old, with: new)
        #expect(failure(Self.file(changed, elements))?.found == found)
    }

    @Test func aFileOfAnotherFormatOrVersionIsReported() {
        #expect(failure(Data("PK".utf8))?.expected == "the mark of a NumPy file, 0x93 and NUMPY")
        var other = Self.floats
        other[6] = 4
        #expect(
            failure(other)?.description
                == "some.npy, byte 6: found version 4.0, expected 1.0, 2.0 or 3.0")
    }

    @Test func sizesBeyondTheFileTakeNoMemory() {
        var long = Self.file("{}")
        long.replaceSubrange(6..<10, with: [2, 0, 255, 255])
        #expect(failure(long)?.expected == "a header of \(0x7D7B_FFFF)")
        let huge = Self.file("{'descr':'<f8','fortran_order':True,'shape':(1099511627776, 1048576)}", [1, 2])
        #expect(failure(huge)?.found == "2 bytes of elements")
    }

    @Test func damageIsReportedOrHarmless() {
        for file in [Self.floats, Self.scalar, Self.fortran] {
            expectSurvivesDamage(of: file) { try NumPy.decode($0, name: "damaged.npy") }
        }
    }
}
