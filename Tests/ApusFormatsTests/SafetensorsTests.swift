import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    /// A file of this header and these elements, its length in front.
    private static func file(_ header: String, _ elements: [UInt8] = []) -> Data {
        file(Data(header.utf8), elements)
    }

    private static func file(_ header: Data, _ elements: [UInt8] = []) -> Data {
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return length + header + elements
    }

    private static let small = file(
        #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[2,10]},"#
            + #""b":{"dtype":"U8","shape":[1,2],"data_offsets":[0,2]}}  "#,
        [1, 2, 0, 0, 128, 63, 0, 0, 0, 192])

    private static func bytes(_ count: Int, _ first: UInt8) -> Data {
        Data((0..<count).map { first &+ UInt8(truncatingIfNeeded: $0) })
    }

    /// A tensor of each type, narrow ones before wide ones, a scalar and an empty tensor among them.
    private static let every = TensorFile(
        ElementType.allCases.reversed().enumerated().map { index, type in
            FileTensor(
                name: type.rawValue, shape: [3, 1], elementType: type,
                bytes: bytes(3 * type.byteCount, UInt8(16 * index)))
        } + [
            FileTensor(name: "a scalar", shape: [], elementType: .float16, bytes: bytes(2, 200)),
            FileTensor(name: "nothing", shape: [2, 0], elementType: .int64, bytes: Data()),
            FileTensor(name: "", shape: [1], elementType: .bool, bytes: Data([1])),
            FileTensor(name: "\"quoted\" \\ /\n\u{1}é𝄞", shape: [1], elementType: .int8, bytes: Data([9])),
        ], metadata: ["format": "pt", "ü\"": "\t\u{7F}", "": ""])

    private func failure(_ file: Data) -> FormatError? {
        #expect(throws: FormatError.self) { try Safetensors.decode(file, name: "some.safetensors") }
    }

    @Test func aFileIsReadInTheOrderOfItsHeader() throws {
        let file = try Safetensors.decode(Self.small, name: "")
        #expect(file.tensors.map(\.name) == ["a", "b"])
        #expect(file["a"]?.shape == [2])
        #expect(file["a"]?.floats == [1, -2])
        #expect(file["b"]?.shape == [1, 2])
        #expect(file["b"]?.integers == [1, 2])
        #expect(file.metadata == ["format": "pt"])
    }

    @Test func aFileOfTheReferenceImplementationIsRead() throws {
        // `save_file` of safetensors 0.8 in Python.
        let header =
            #"{"__metadata__":{"format":"pt"},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"#
            + #""w":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"#
            + #""b":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]},"#
            + #""e":{"dtype":"BOOL","shape":[0,3],"data_offsets":[20,20]}}  "#
        let elements: [UInt8] = [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 192, 63, 0, 192]
        let expected = TensorFile(
            [
                FileTensor(name: "n", shape: [], integers: [7]),
                FileTensor(name: "w", shape: [1, 2], floats: [1, 2]),
                FileTensor(
                    name: "b", shape: [2], elementType: .bfloat16, bytes: Data([192, 63, 0, 192])),
                FileTensor(name: "e", shape: [0, 3], elementType: .bool, bytes: Data()),
            ], metadata: ["format": "pt"])
        #expect(try Safetensors.decode(Self.file(header, elements), name: "") == expected)
        #expect(try Safetensors.encode(expected) == Self.file(header, elements))
    }

    @Test func aSliceOfAFileIsReadFromItsOwnBeginning() throws {
        let slice = (Data([9, 9, 9]) + Self.small).dropFirst(3)
        #expect(try Safetensors.decode(slice, name: "") == Safetensors.decode(Self.small, name: ""))
    }

    @Test func whiteSpaceAndEscapesAreRead() throws {
        let name = #""\u0041\n\"\\\/\b\f\r\t\u00e9\uD834\udd1e""#
        let header =
            "{ \(name)\r\n:\t{\"shape\" : [ ] , \"data_offsets\":[0 ,1], "
            + "\"dtype\":\"BOOL\"} , \"__metadata__\" : { } } \n"
        let file = try Safetensors.decode(Self.file(header, [1]), name: "")
        #expect(file.tensors.map(\.name) == ["A\n\"\\/\u{8}\u{C}\r\té𝄞"])
        #expect(file.tensors.map(\.shape) == [[]])
    }

    @Test func aFileWithoutTensorsIsRead() throws {
        #expect(try Safetensors.decode(Self.file("{}"), name: "") == TensorFile())
        #expect(try Safetensors.decode(Safetensors.encode(TensorFile()), name: "") == TensorFile())
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "every.safetensors")
        try Safetensors.write(Self.every, to: url)
        #expect(try Safetensors.read(url) == Self.every)
        #expect(try Safetensors.encode(Self.every) == WholeFile.contents(of: url))
        #expect(try Safetensors.decode(WholeFile.contents(of: url), name: "") == Self.every)
        // Over the file its own tensors are mapped from.
        try Safetensors.write(Safetensors.read(url), to: url)
        #expect(try Safetensors.read(url) == Self.every)
    }

    @Test func elementsBeginAtMultiplesOfTheirSize() throws {
        let encoded = try Safetensors.encode(Self.every)
        for tensor in Self.every.tensors where tensor.shape == [3, 1] {
            let place = try #require(encoded.range(of: tensor.bytes), "\(tensor.name)")
            #expect(place.lowerBound % tensor.elementType.byteCount == 0, "\(tensor.name)")
        }
    }

    @Test func tensorsOfOneTypeLieInTheGivenOrder() throws {
        let tensors = [3, 1, 2].map { FileTensor(name: "\($0)", shape: [1], floats: [Float($0)]) }
        let encoded = try Safetensors.encode(TensorFile(tensors))
        #expect(encoded.suffix(12) == tensors[0].bytes + tensors[1].bytes + tensors[2].bytes)
    }

    @Test func fixturesOfPyTorchEqualAnIndependentReader() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: SafetensorsFixture.directory.path)
            .filter { $0.hasSuffix(".safetensors") }
        #expect(names.contains("layers.safetensors"))
        for name in names {
            let url = SafetensorsFixture.directory.appending(path: name)
            let expected = try SafetensorsFixture(contentsOf: url).tensors
            let file = try Safetensors.read(url)
            #expect(Set(file.tensors.map(\.name)) == Set(expected.keys))
            for tensor in file.tensors {
                let other = try #require(expected[tensor.name])
                #expect(tensor.shape == other.shape)
                #expect(tensor.floats == other.floats, "\(name): \(tensor.name)")
                if let integers = tensor.integers { #expect(integers == other.integers.map { Int64($0) }) }
            }
        }
    }

    @Test func theIndependentReaderReadsWhatIsWritten() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "some.safetensors")
        try Safetensors.write(
            TensorFile(
                [
                    FileTensor(name: "narrow", shape: [2, 2], floats: [1, 2.5, -3, 0]),
                    FileTensor(name: "wide", shape: [3], integers: [7, -8, 9]),
                ], metadata: ["k": "v"]), to: url)
        let file = try SafetensorsFixture(contentsOf: url)
        #expect(try file.tensor("narrow").shape == [2, 2])
        #expect(try file.tensor("narrow").floats == [1, 2.5, -3, 0])
        #expect(try file.tensor("wide").integers == [7, -8, 9])
    }

    @Test func namesThatCannotBeWrittenAreReported() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "some.safetensors")
        func tensor(_ name: String) -> FileTensor { FileTensor(name: name, shape: [], floats: [0]) }
        #expect(throws: TensorFileError.duplicateName("a")) {
            try Safetensors.write(TensorFile([tensor("a"), tensor("b"), tensor("a")]), to: url)
        }
        #expect(throws: TensorFileError.reservedName("__metadata__")) {
            try Safetensors.write(TensorFile([tensor("__metadata__")]), to: url)
        }
        let long = TensorFile(metadata: ["k": String(repeating: "x", count: 100_000_000)])
        #expect(throws: TensorFileError.headerTooLong(bytes: 100_000_032, limit: 100_000_000)) {
            try Safetensors.write(long, to: url)
        }
        #expect(try folder.names().isEmpty)
    }

    @Test func whatCannotBeOpenedIsReported() throws {
        let folder = try TemporaryFolder()
        let missing = folder.url.appending(path: "none")
        #expect(throws: FileError(path: missing.path, operation: .open, code: ENOENT)) {
            try Safetensors.read(missing)
        }
        #expect(throws: FileError(path: folder.url.path, operation: .read, code: EISDIR)) {
            try Safetensors.read(folder.url)
        }
        let nowhere = folder.url.appending(path: "nowhere/x.safetensors")
        #expect(throws: FileError(path: nowhere.path, operation: .create, code: ENOENT)) {
            try Safetensors.write(Self.every, to: nowhere)
        }
    }

    /// An entry of two 32-bit floats, a part of it replaced.
    private static func entry(_ old: String = "", _ new: String = "") -> String {
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.replacingOccurrences(of: old, with: new)
    }

    @Test(arguments: [
        (#""F32""#, #""F8_E4M3""#, "the type F8_E4M3 of a"),
        (#""F32""#, "32", "3"),
        ("[2]", "[3]", "8 bytes for a"),
        ("[2]", "[-2]", "-"),
        ("[2]", "[2.0]", "."),
        ("[2]", "[02]", "02"),
        ("[2]", "[2,]", "]"),
        ("[2]", "2", "2"),
        ("[2]", "[[[[[2]]]]]", "["),
        ("[2]", "[4611686018427387904,4]", "8 bytes for a"),
        ("[2]", "[99999999999999999999]", "99999999999999999999"),
        ("[0,8]", "[1,8]", "7 bytes for a"),
        ("[0,8]", "[1,9]", "a at 1 of the elements"),
        ("[0,8]", "[8,0]", "the data_offsets [8, 0] of a"),
        ("[0,8]", "[0,8,8]", "the data_offsets [0, 8, 8] of a"),
        (#","data_offsets":[0,8]"#, "", "a without data_offsets"),
        (#""shape":[2],"#, "", "a without shape"),
        (#""dtype":"F32","#, "", "a without dtype"),
        (#""shape""#, #""strides""#, "strides of a"),
        (#""dtype":"F32""#, #""dtype":"F32","dtype":"F32""#, "dtype of a a second time"),
        ("}}", #"},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}"#, "a a second time"),
        ("}}", #"},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#, "b at 4 of the elements"),
        ("}}", #"},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}"#, "8 bytes of elements"),
        ("}}", #"},"__metadata__":{"k":1}}"#, "1"),
        ("}}", #"},"__metadata__":null}"#, "n"),
        ("}}", #"},"__metadata__":{"k":"1","k":"1"}}"#, "k a second time"),
        ("}}", #"},"__metadata__":{},"__metadata__":{}}"#, "__metadata__ a second time"),
        ("}}", "}", "the end of the header"),
        ("}}", "}}}", "}"),
        ("}}", "},}", "}"),
        (#""a""#, "\"a\n\"", "the byte 0xa"),
        (#""a""#, #""\x""#, "x"),
        (#""a""#, #""\ud834""#, "half a surrogate pair"),
        (#""a""#, #""\ud834\u0041""#, "half a surrogate pair"),
        (#""a""#, #""\udd1e""#, "half a surrogate pair"),
        (#""a""#, #""\u00g0""#, "0"),
        ("{\"a\"", " {\"a\"", "a header that does not begin with {"),
    ])
    func aWrongHeaderIsReported(old: String, new: String, found: String) throws {
        let elements = [UInt8](repeating: 0, count: 8)
        #expect(try Safetensors.decode(Self.file(Self.entry(), elements), name: "").tensors.count == 1)
        #expect(failure(Self.file(Self.entry(old, new), elements))?.found == found)
    }

    @Test func namesThatAreNotUTF8AreReported() {
        let header = Self.entry("\"a\"", "\"?\"").utf8.map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
        let error = failure(Self.file(Data(header), Array(repeating: 0, count: 8)))
        #expect(error?.found == "text that is not UTF-8")
        #expect(error?.offset == 10)
    }

    @Test func anErrorSaysFileAndPlace() {
        let error = failure(Self.file(Self.entry(), [1, 2, 3, 4]))
        #expect(
            error?.description == "some.safetensors, byte 62: found 4 bytes of elements, "
                + "expected 8, as the header says")
    }

    @Test func sizesBeyondTheFileTakeNoMemory() {
        for length in [UInt64.max, 1 << 63, 1 << 40, 100_000_001, 3] {
            let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            #expect(failure(Data(bytes + [0x7B, 0x7D]))?.found == "a header of \(length) bytes")
        }
        let extents = "[1099511627776,1048576]"
        let huge = Self.entry("[2]", extents).replacingOccurrences(of: "8]}", with: "4611686018427387904]}")
        #expect(failure(Self.file(huge, [1, 2, 3]))?.found == "3 bytes of elements")
    }

    @Test func nestingIsRefusedWhereItBegins() {
        for bracket in ["[", "{\"a\":"] {
            let deep = "{\"a\":" + String(repeating: bracket, count: 100_000)
            #expect(failure(Self.file(deep)) != nil)
        }
    }

    @Test func damageIsReportedOrHarmless() {
        expectSurvivesDamage(of: Self.small) { try Safetensors.decode($0, name: "damaged") }
    }
}
