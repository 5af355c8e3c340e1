import Foundation

/// What stands before the elements of a `.npy` file.
struct NumPyHeader {
    let elementType: ElementType
    let isBigEndian: Bool
    /// Fortran's order of elements; C's has the last index run fastest.
    let isFirstIndexFastest: Bool
    let shape: [Int]
    /// Where the elements begin in the file.
    let end: Int

    /// Reads the header of a file's `bytes`, in version 1.0, 2.0 or 3.0 of the format.
    init(of bytes: Data, file: String) throws {
        func failure(at offset: Int, found: String, expected: String) -> FormatError {
            FormatError(file: file, offset: offset, found: found, expected: expected)
        }
        guard bytes.starts(with: NumPy.magic) else {
            throw failure(
                at: 0, found: "other bytes", expected: "the mark of a NumPy file, 0x93 and NUMPY")
        }
        let version = Array(bytes.dropFirst(6).prefix(2))
        guard [[1, 0], [2, 0], [3, 0]].contains(version) else {
            throw failure(
                at: 6, found: "version \(version.map { "\($0)" }.joined(separator: "."))",
                expected: "1.0, 2.0 or 3.0")
        }
        let lengthBytes = bytes.dropFirst(8).prefix(version[0] == 1 ? 2 : 4)
        let begin = 8 + (version[0] == 1 ? 2 : 4)
        let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count - begin >= length else {
            throw failure(
                at: 8, found: "\(max(bytes.count - begin, 0)) bytes more", expected: "a header of \(length)")
        }

        var type: (element: ElementType, isBigEndian: Bool)?
        var isFirstIndexFastest: Bool?
        var shape: [Int]?
        var scanner = HeaderScanner(
            bytes.dropFirst(begin).prefix(length), file: file, startingAt: begin)
        try scanner.dictionary { scanner, key in
            let isFirst: Bool
            switch key {
            case "descr":
                isFirst = type == nil
                type = try Self.type(&scanner)
            case "fortran_order":
                isFirst = isFirstIndexFastest == nil
                isFirstIndexFastest = try Self.truth(&scanner)
            case "shape":
                isFirst = shape == nil
                shape = try scanner.tuple()
            default:
                throw scanner.failure(
                    found: "the key \(key)", expected: "descr, fortran_order and shape alone")
            }
            guard isFirst else { throw scanner.failure(found: "\(key) a second time", expected: "it once") }
        }
        try scanner.requireEnd()
        guard let type, let isFirstIndexFastest, let shape else {
            let missing = type == nil ? "descr" : shape == nil ? "shape" : "fortran_order"
            throw failure(at: begin, found: "a header without \(missing)", expected: "it")
        }
        guard shape.count <= NumPy.dimensionLimit else {
            throw failure(
                at: begin, found: "\(shape.count) dimensions", expected: "at most \(NumPy.dimensionLimit)")
        }
        (elementType, isBigEndian) = type
        self.isFirstIndexFastest = isFirstIndexFastest
        self.shape = shape
        end = begin + length
    }

    /// Where the elements lie, from the header's end on; their bytes must not be beyond counting.
    var layout: StridedLayout {
        var strides = shape
        var step = 1
        for axis in isFirstIndexFastest ? Array(shape.indices) : shape.indices.reversed() {
            strides[axis] = step
            step *= max(shape[axis], 1)
        }
        return StridedLayout(offset: 0, shape: shape, strides: strides)
    }

    /// A type as NumPy spells it: the order of bytes, the kind, and the bytes of an element.
    private static func type(_ scanner: inout HeaderScanner) throws -> (ElementType, isBigEndian: Bool) {
        let known = ElementType.allCases.compactMap(descriptor(of:)).joined(separator: ", ")
        let offset = scanner.offset
        guard !scanner.take("[") else {
            throw scanner.failure(at: offset, found: "a type of several fields", expected: "one of \(known)")
        }
        let text = try scanner.plainString()
        guard let order = text.first, "<>=|".contains(order),
            let element = ElementType.allCases.first(where: { code(of: $0) == String(text.dropFirst()) })
        else {
            let remark = text.contains("O") ? ", objects of Python" : ""
            throw scanner.failure(
                at: offset, found: "the type \(text)\(remark)", expected: "one of \(known)")
        }
        return (element, order == ">")
    }

    private static func truth(_ scanner: inout HeaderScanner) throws -> Bool {
        let offset = scanner.offset
        switch scanner.word() {
        case "True": return true
        case "False": return false
        case let word:
            throw scanner.failure(
                at: offset, found: word.isEmpty ? nil : word, expected: "True or False")
        }
    }

    /// The name of a type whose elements are little-endian; nil where NumPy has no such type.
    static func descriptor(of type: ElementType) -> String? {
        code(of: type).map { (type.byteCount == 1 ? "|" : "<") + $0 }
    }

    private static func code(of type: ElementType) -> String? {
        switch type {
        case .float64: "f8"
        case .float32: "f4"
        case .float16: "f2"
        case .int64: "i8"
        case .int32: "i4"
        case .int16: "i2"
        case .int8: "i1"
        case .uint8: "u1"
        case .bool: "b1"
        case .bfloat16: nil
        }
    }
}
