import Foundation

/// Runs the program of a pickle as far as tensors need it, and calls nothing of Python ("pickle - Python object
/// serialization", protocols 2 to 5).
///
/// Every instruction takes a bounded amount of memory beside the bytes it consumes, instructions are counted,
/// and none of them recurs: what a file can cost follows from its size.
struct Unpickler {
    /// Some fifty instructions make a tensor: this is enough for tens of thousands.
    private static let instructionLimit = 1 << 22
    /// The longest name of a module or class.
    private static let nameLimit = 255

    private var reader: ByteReader
    /// Where the instruction begins that is being run.
    private var start: ByteReader
    private var pickle: Pickle
    private var stack: [Pickle.Value] = []
    /// How high the stack was at each mark.
    private var marks: [Int] = []
    private var memo: [Pickle.Value?] = []
    /// Pairs copied from lists to dictionaries, extents and strides from tuples to tensors.
    private var copies = 0
    /// Numbers of `pickle.storages` by their keys.
    private var storages: [String: Int] = [:]

    private init(_ reader: ByteReader) {
        self.reader = reader
        start = reader
        pickle = Pickle(offset: reader.offset)
    }

    /// Reads one pickle, and leaves the reader behind its end.
    ///
    /// - Throws: `FormatError` where it is damaged, or wants more of Python than tensors, dictionaries and
    ///   plain values.
    static func unpickle(_ reader: inout ByteReader) throws -> Pickle {
        var unpickler = Unpickler(reader)
        try unpickler.run()
        reader = unpickler.reader
        return unpickler.pickle
    }

    private mutating func run() throws {
        for _ in 0..<Self.instructionLimit {
            start = reader
            let code: UInt8 = try reader.integer()
            guard let instruction = PickleInstruction(rawValue: code) else {
                throw failure(
                    found: "the instruction 0x" + String(code, radix: 16),
                    expected: "those of a pickle of tensors and plain values")
            }
            if instruction == .stop {
                pickle.root = try pop()
                return
            }
            try execute(instruction)
        }
        throw failure(
            found: "more than \(Self.instructionLimit) instructions", expected: "the end of the pickle")
    }

    private mutating func execute(_ instruction: PickleInstruction) throws {
        switch instruction {
        case .stop: break
        case .proto: try checkProtocol()
        // Frames say how much to read at once, no more.
        case .frame: _ = try reader.take(8)
        case .mark: marks.append(stack.count)
        case .none: stack.append(.none)
        case .newTrue: stack.append(.truth(true))
        case .newFalse: stack.append(.truth(false))
        case .integer4: stack.append(.integer(Int(try reader.integer(Int32.self))))
        case .integer2: stack.append(.integer(Int(try reader.integer(UInt16.self))))
        case .integer1: stack.append(.integer(Int(try reader.integer(UInt8.self))))
        case .long1: stack.append(try longInteger())
        // The only numbers with their first byte first.
        case .float:
            stack.append(.number(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))
        case .shortString, .shortUnicode:
            stack.append(.text(try reader.text(Int(try reader.integer(UInt8.self)))))
        case .string, .unicode:
            stack.append(.text(try reader.text(Int(try reader.integer(UInt32.self)))))
        case .emptyTuple: pushTuple([])
        case .tuple1: pushTuple(try pop(1))
        case .tuple2: pushTuple(try pop(2))
        case .tuple3: pushTuple(try pop(3))
        case .tuple: pushTuple(try popToMark())
        case .emptyList:
            pickle.sequences.append([])
            stack.append(.list(pickle.sequences.count - 1))
        case .append: try append(try pop(1))
        case .appends: try append(try popToMark())
        case .emptyDictionary: pushDictionary([])
        case .setItem: try setItems(try pop(2))
        case .setItems: try setItems(try popToMark())
        case .put1: try put(Int(try reader.integer(UInt8.self)))
        case .put4: try put(Int(try reader.integer(UInt32.self)))
        case .memoize: try put(memo.count)
        case .get1: try get(Int(try reader.integer(UInt8.self)))
        case .get4: try get(Int(try reader.integer(UInt32.self)))
        case .global:
            let module = try reader.line(limit: Self.nameLimit)
            try pushType(module, try reader.line(limit: Self.nameLimit))
        case .stackGlobal:
            let names = try pop(2)
            guard case .text(let module) = names[0], case .text(let name) = names[1] else {
                throw failure(
                    found: "\(names[0].kind) and \(names[1].kind)", expected: "names of a module and a class")
            }
            try pushType(module, name)
        case .reduce: try reduce()
        case .build: try build()
        case .persistentID: try pushStorage()
        }
    }

    private mutating func checkProtocol() throws {
        let version: UInt8 = try reader.integer()
        guard 2...5 ~= version else {
            throw failure(found: "a pickle of protocol \(version)", expected: "protocols 2 to 5")
        }
    }

    /// A number in two's complement of as many bytes as its first byte says.
    private mutating func longInteger() throws -> Pickle.Value {
        let bytes = try reader.take(Int(try reader.integer(UInt8.self)))
        if bytes.count <= 8 {
            let sign = Int(bytes.last.map { $0 >= 0x80 ? -1 : 0 } ?? 0)
            return .integer(bytes.reversed().reduce(sign) { $0 << 8 | Int($1) })
        }
        let digits = bytes.reversed().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return .largeInteger(digits.joined())
    }

    private mutating func append(_ values: [Pickle.Value]) throws {
        guard case .list(let index) = try top() else {
            throw failure(found: "\(try top().kind) to add to", expected: "a list")
        }
        pickle.sequences[index] += values
    }

    private mutating func setItems(_ values: [Pickle.Value]) throws {
        guard case .dictionary(let index) = try top(), values.count.isMultiple(of: 2) else {
            throw failure(
                found: "\(try top().kind) to add \(values.count) keys and values to",
                expected: "a dictionary, and a value for each key")
        }
        for position in stride(from: 0, to: values.count, by: 2) {
            pickle.dictionaries[index].append((values[position], values[position + 1]))
        }
    }

    private mutating func put(_ number: Int) throws {
        let value = try top()
        // Python counts from 0 or 1 on, and takes no more numbers than there are instructions.
        guard number <= reader.offset - pickle.offset else {
            throw failure(found: "the memory \(number)", expected: "one after those before")
        }
        while memo.count <= number { memo.append(nil) }
        memo[number] = value
    }

    private mutating func get(_ number: Int) throws {
        guard number < memo.count, let value = memo[number] else {
            throw failure(found: "the memory \(number)", expected: "one that is set")
        }
        stack.append(value)
    }

    private mutating func pushType(_ module: String, _ name: String) throws {
        guard let type = PickledType(name: "\(module).\(name)") else {
            throw failure(
                found: "the class \(module.prefix(Self.nameLimit)).\(name.prefix(Self.nameLimit))",
                expected: "tensors and ordered dictionaries alone")
        }
        stack.append(.type(type))
    }

    /// Calls the function below the top of the stack with the tuple on top.
    private mutating func reduce() throws {
        let call = try pop(2)
        guard case .type(let type) = call[0], case .tuple(let index) = call[1] else {
            throw failure(
                found: "a call of \(call[0].kind) with \(call[1].kind)",
                expected: "a class or function, and a tuple")
        }
        let arguments = pickle.sequences[index]
        switch type {
        case .orderedDictionary: pushDictionary(try items(of: arguments))
        case .size where arguments.count == 1 && pickle.integers(of: arguments[0]) != nil:
            stack.append(arguments[0])
        case .tensor: try pushTensor(arguments)
        case .parameter:
            guard 3...4 ~= arguments.count, case .tensor = arguments[0] else {
                throw wrongArguments(arguments)
            }
            stack.append(arguments[0])
        case .size, .storage: throw wrongArguments(arguments)
        }
    }

    /// The pairs that an ordered dictionary is made of, as Python 2 wrote them.
    private mutating func items(of arguments: [Pickle.Value]) throws -> [(Pickle.Value, Pickle.Value)] {
        guard let list = arguments.first else { return [] }
        guard arguments.count == 1, let pairs = pickle.elements(of: list) else {
            throw wrongArguments(arguments)
        }
        try countCopies(pairs.count)
        return try pairs.map { pair in
            guard let pair = pickle.elements(of: pair), pair.count == 2 else {
                throw wrongArguments(arguments)
            }
            return (pair[0], pair[1])
        }
    }

    /// Counts values about to be copied: a list or tuple is made of no fewer bytes than values, but could be
    /// copied again and again.
    private mutating func countCopies(_ count: Int) throws {
        copies += count
        guard copies <= reader.offset - pickle.offset else {
            throw failure(
                found: "\(copies) pairs of dictionaries, extents and strides",
                expected: "no more than the file holds")
        }
    }

    /// Arguments: storage, offset, shape and strides; then what training needs, and marks of a lazy change of
    /// all elements, which must be absent.
    private mutating func pushTensor(_ arguments: [Pickle.Value]) throws {
        guard [4, 6, 7].contains(arguments.count), case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1], let shape = pickle.integers(of: arguments[2]),
            let strides = pickle.integers(of: arguments[3]), shape.count == strides.count
        else { throw wrongArguments(arguments) }
        switch arguments.count == 7 ? arguments[6] : .none {
        case .none: break
        case .dictionary(let index) where pickle.dictionaries[index].isEmpty: break
        default: throw wrongArguments(arguments)
        }
        try countCopies(shape.count + strides.count)
        pickle.tensors.append(
            Pickle.Tensor(
                storage: pickle.storages[storage],
                layout: StridedLayout(offset: offset, shape: shape, strides: strides)))
        stack.append(.tensor(pickle.tensors.count - 1))
    }

    /// Attributes of an ordered dictionary: versions of a network's layers, which are ignored.
    private mutating func build() throws {
        _ = try pop()
        guard case .dictionary = try top() else {
            throw failure(found: "attributes of \(try top().kind)", expected: "those of a dictionary alone")
        }
    }

    /// Replaces a storage's description by the storage: 'storage', its class, key, device and size.
    private mutating func pushStorage() throws {
        let description = try pop()
        guard let parts = pickle.elements(of: description), 5...6 ~= parts.count,
            case .text("storage") = parts[0], case .type(.storage(let elementType)) = parts[1],
            case .text(let key) = parts[2], case .text = parts[3], case .integer(let count) = parts[4]
        else {
            throw failure(
                found: "\(description.kind) outside the pickle",
                expected: "a storage, its class, key, device and size")
        }
        if parts.count == 6, case .none = parts[5] {
        } else if parts.count == 6 {
            throw failure(found: "a storage inside storage '\(key)'", expected: "storages of their own")
        }
        let storage = Pickle.Storage(key: key, elementType: elementType, count: count)
        guard let index = storages[key] else {
            storages[key] = pickle.storages.count
            stack.append(.storage(pickle.storages.count))
            pickle.storages.append(storage)
            return
        }
        guard pickle.storages[index] == storage else {
            throw failure(
                found: "storage '\(key)' of \(count) elements of \(elementType.rawValue)",
                expected: "\(pickle.storages[index].count) of \(pickle.storages[index].elementType.rawValue)")
        }
        stack.append(.storage(index))
    }

    private mutating func pushTuple(_ values: [Pickle.Value]) {
        pickle.sequences.append(values)
        stack.append(.tuple(pickle.sequences.count - 1))
    }

    private mutating func pushDictionary(_ items: [(Pickle.Value, Pickle.Value)]) {
        pickle.dictionaries.append(items.map { (key: $0.0, value: $0.1) })
        stack.append(.dictionary(pickle.dictionaries.count - 1))
    }

    /// The value on the stack, above the last mark.
    private func top() throws -> Pickle.Value {
        guard let top = stack.last, stack.count > marks.last ?? 0 else {
            throw failure(found: "an empty stack", expected: "a value")
        }
        return top
    }

    private mutating func pop() throws -> Pickle.Value { try pop(1)[0] }

    private mutating func pop(_ count: Int) throws -> [Pickle.Value] {
        guard stack.count - count >= marks.last ?? 0 else {
            throw failure(found: "a stack with too few values", expected: "\(count)")
        }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws -> [Pickle.Value] {
        guard let mark = marks.popLast() else {
            throw failure(found: "a stack without a mark", expected: "values after one")
        }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }

    private func wrongArguments(_ arguments: [Pickle.Value]) -> FormatError {
        let kinds = arguments.prefix(8).map(\.kind).joined(separator: ", ")
        return failure(
            found: "a call with \(arguments.isEmpty ? "nothing" : kinds)",
            expected: "the arguments of a tensor, a parameter, a size or an ordered dictionary")
    }

    private func failure(found: String, expected: String) -> FormatError {
        start.failure(found: found, expected: expected)
    }
}
