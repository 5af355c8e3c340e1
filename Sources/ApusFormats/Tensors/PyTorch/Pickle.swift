/// What Python's pickle of tensors holds.
///
/// Containers lie side by side and hold each other by number: a value may be in many of them or even in
/// itself, and none is nested in memory, however deep the file has it.
struct Pickle {
    enum Value {
        case none
        case truth(Bool)
        case integer(Int)
        /// Beyond 64 bits, its two's complement in hexadecimal digits.
        case largeInteger(String)
        case number(Double)
        case text(String)
        case type(PickledType)
        /// Numbers in `sequences`, `dictionaries`, `storages` and `tensors`.
        case tuple(Int)
        case list(Int)
        case dictionary(Int)
        case storage(Int)
        case tensor(Int)

        /// What it is, as an error says it.
        var kind: String {
            switch self {
            case .none: "nothing"
            case .truth: "a truth value"
            case .integer, .largeInteger: "a whole number"
            case .number: "a number"
            case .text: "text"
            case .type: "a class"
            case .tuple: "a tuple"
            case .list: "a list"
            case .dictionary: "a dictionary"
            case .storage: "a storage"
            case .tensor: "a tensor"
            }
        }
    }

    /// Elements of a type without a shape, which lie elsewhere under the key.
    struct Storage: Equatable {
        let key: String
        let elementType: ElementType
        let count: Int
    }

    /// Some of the elements of a storage.
    struct Tensor {
        let storage: Storage
        let layout: StridedLayout
    }

    private static let rankLimit = 64

    /// Where in the file the pickle begins.
    let offset: Int
    var root = Value.none
    var sequences: [[Value]] = []
    var dictionaries: [[(key: Value, value: Value)]] = []
    var storages: [Storage] = []
    var tensors: [Tensor] = []

    init(offset: Int) { self.offset = offset }

    /// The elements of a tuple or list; nil of anything else.
    func elements(of value: Value) -> [Value]? {
        switch value {
        case .tuple(let index), .list(let index): sequences[index]
        default: nil
        }
    }

    /// The extents or strides in a tuple; nil of anything else, and of more than a tensor can have.
    func integers(of value: Value) -> [Int]? {
        guard case .tuple(let index) = value, sequences[index].count <= Self.rankLimit else { return nil }
        let integers = sequences[index].compactMap {
            if case .integer(let integer) = $0 { integer } else { nil }
        }
        return integers.count == sequences[index].count ? integers : nil
    }

    /// The last value under a name in a dictionary; nil where there is none, or `value` is no dictionary.
    func member(_ name: String, of value: Value) -> Value? {
        guard case .dictionary(let index) = value else { return nil }
        return dictionaries[index].last { if case .text(name) = $0.key { true } else { false } }?.value
    }
}

/// The classes and functions that a pickle of tensors may name. Nothing of Python runs: each stands for what is
/// done here instead.
enum PickledType {
    case orderedDictionary
    case size
    /// A function of a storage, an offset, a shape and strides.
    case tensor
    /// A function of a tensor.
    case parameter
    case storage(ElementType)

    /// - Parameter name: With its module: `torch.FloatStorage`.
    init?(name: String) {
        switch name {
        case "collections.OrderedDict": self = .orderedDictionary
        case "torch.Size": self = .size
        case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2": self = .tensor
        case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state":
            self = .parameter
        case "torch.DoubleStorage": self = .storage(.float64)
        case "torch.FloatStorage": self = .storage(.float32)
        case "torch.HalfStorage": self = .storage(.float16)
        case "torch.BFloat16Storage": self = .storage(.bfloat16)
        case "torch.LongStorage": self = .storage(.int64)
        case "torch.IntStorage": self = .storage(.int32)
        case "torch.ShortStorage": self = .storage(.int16)
        case "torch.CharStorage": self = .storage(.int8)
        case "torch.ByteStorage": self = .storage(.uint8)
        case "torch.BoolStorage": self = .storage(.bool)
        default: return nil
        }
    }
}
