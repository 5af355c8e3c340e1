import Foundation

/// Where the elements of a tensor lie in a storage: element (i, j, ...) at `offset` + i `strides[0]` +
/// j `strides[1]` + ...
struct StridedLayout {
    let offset: Int
    let shape: [Int]
    /// As many as the shape has extents, in elements.
    let strides: [Int]

    /// The elements in the order of their indices, the last running fastest: a part of `storage` where they lie
    /// there like that; nil where some lie outside.
    ///
    /// - Parameters:
    ///   - storage: A whole number of elements.
    ///   - byteCount: The bytes of all elements of the shape.
    func bytes(from storage: Data, of type: ElementType, byteCount: Int) -> Data? {
        guard byteCount > 0 else { return Data() }
        guard let last = lastIndex, last < storage.count / type.byteCount else { return nil }
        if isContiguous { return storage.dropFirst(offset * type.byteCount).prefix(byteCount) }
        return switch type.byteCount {
        case 8: gathered(UInt64.self, from: storage, byteCount: byteCount)
        case 4: gathered(UInt32.self, from: storage, byteCount: byteCount)
        case 2: gathered(UInt16.self, from: storage, byteCount: byteCount)
        default: gathered(UInt8.self, from: storage, byteCount: byteCount)
        }
    }

    /// Where the last element lies, none of them before the first and all extents positive; nil where that is
    /// not so, or beyond counting.
    private var lastIndex: Int? {
        guard offset >= 0 else { return nil }
        var last = offset
        for (extent, stride) in zip(shape, strides) {
            let (span, isTooFar) = stride.multipliedReportingOverflow(by: extent - 1)
            let (sum, isBeyond) = last.addingReportingOverflow(span)
            guard stride >= 0, !isTooFar, !isBeyond else { return nil }
            last = sum
        }
        return last
    }

    private var isContiguous: Bool {
        var expected = 1
        for (extent, stride) in zip(shape, strides).reversed() where extent != 1 {
            guard stride == expected else { return false }
            expected *= extent
        }
        return true
    }

    private func gathered<Word: BitwiseCopyable>(
        _: Word.Type, from storage: Data, byteCount: Int
    ) -> Data {
        let size = MemoryLayout<Word>.size
        // Extents of 1 take no steps; without them each step costs little, and there is one left at least.
        var outer = zip(shape, strides).filter { $0.0 != 1 }
        let (extent, stride) = outer.removeLast()
        var indices = outer.map { _ in 0 }
        var begin = offset
        var words: [Word] = []
        words.reserveCapacity(byteCount / size)
        storage.withUnsafeBytes { storage in
            for _ in 0..<byteCount / size / extent {
                for index in 0..<extent {
                    let position = begin + index * stride
                    words.append(storage.loadUnaligned(fromByteOffset: position * size, as: Word.self))
                }
                for (axis, (extent, stride)) in outer.enumerated().reversed() {
                    indices[axis] += 1
                    begin += stride
                    if indices[axis] < extent { break }
                    indices[axis] = 0
                    begin -= extent * stride
                }
            }
        }
        return words.withUnsafeBytes { Data($0) }
    }
}
