import ApusFormats
import Foundation
import Testing

/// Pickles put together by hand, as PyTorch would never write them, and files around them.
enum PickleWriter {
    static let orderedDictionary = global("collections", "OrderedDict")
    /// An ordered dictionary without contents.
    static let noHooks = orderedDictionary + code(")R")
    static let rebuild = global("torch._utils", "_rebuild_tensor_v2")

    /// Instructions by the characters of their codes, again and again.
    static func code(_ characters: String, _ count: Int = 1) -> [UInt8] {
        Array(String(repeating: characters, count: count).utf8)
    }

    static func global(_ module: String, _ name: String) -> [UInt8] { code("c\(module)\n\(name)\n") }

    static func text(_ text: String) -> [UInt8] { code("X") + word(text.utf8.count) + text.utf8 }

    /// A number of up to 64 bits, as short as it gets.
    static func integer(_ value: Int) -> [UInt8] {
        0..<256 ~= value
            ? code("K") + [UInt8(value)]
            : [0x8A, 8] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func tuple(_ elements: [UInt8]...) -> [UInt8] { code("(") + elements.joined() + code("t") }

    static func integers(_ values: [Int]) -> [UInt8] { code("(") + values.flatMap(integer) + code("t") }

    /// A dictionary of keys and values, one after the other.
    static func dictionary(_ items: [UInt8]...) -> [UInt8] { code("}(") + items.joined() + code("u") }

    static func storage(
        _ key: String = "0", type: String = "FloatStorage", count: Int, view: [UInt8] = []
    ) -> [UInt8] {
        tuple(text("storage"), global("torch", type), text(key), text("cpu"), integer(count), view)
            + code("Q")
    }

    static func tensor(
        _ storage: [UInt8], offset: Int = 0, shape: [Int], strides: [Int], metadata: [UInt8] = []
    ) -> [UInt8] {
        rebuild
            + tuple(
                storage, integer(offset), integers(shape), integers(strides), [0x89], noHooks, metadata)
            + code("R")
    }

    /// A whole pickle of a value.
    static func pickle(_ value: [UInt8]) -> Data { Data([0x80, 2] + value + code(".")) }

    /// A file of the zip format.
    static func zip(
        _ pickle: Data, storages: [(String, Data)] = [], more: [(String, Data)] = [],
        compressed: Bool = false
    ) -> Data {
        var bytes = Data()
        var writer = ZipWriter(name: "some.pth") { bytes += $0 }
        do {
            try writer.add("some/data.pkl", pickle, compressed: compressed)
            for (key, contents) in storages {
                try writer.add("some/data/\(key)", contents, compressed: compressed)
            }
            for (name, contents) in more { try writer.add(name, contents, compressed: compressed) }
            try writer.finish()
        } catch {
            Issue.record("an archive could not be written: \(error)")
        }
        return bytes
    }

    /// A file of the format before it.
    static func legacy(
        _ pickle: Data, storages: [(key: String, count: Int, bytes: Data)] = [], isLittleEndian: Bool = true
    ) -> Data {
        let magic = Data([0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19])
        let machine = dictionary(text("little_endian"), [isLittleEndian ? 0x88 : 0x89])
        let keys = code("](") + storages.flatMap { text($0.key) } + code("e")
        let head =
            self.pickle(Array(magic)) + self.pickle(code("M") + [0xE9, 3]) + self.pickle(machine) + pickle
            + self.pickle(keys)
        return storages.reduce(into: head) { $0 += Data(word($1.count, bytes: 8)) + $1.bytes }
    }

    private static func word(_ value: Int, bytes: Int = 4) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
