import Foundation

/// A run of floats inside a buffer that somebody else owns, such as one parameter or its gradient.
///
/// A view does not keep its buffer alive: hold it no longer than the call that handed it out.
@safe
public struct FloatView: @unchecked Sendable {
    @usableFromInline let base: UnsafeMutablePointer<Float>
    public let count: Int

    @usableFromInline @unsafe
    init(base: UnsafeMutablePointer<Float>, count: Int) {
        unsafe self.base = unsafe base
        self.count = count
    }

    /// The element at `index`, which must lie in 0..<count.
    @inlinable
    public subscript(index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count, "index \(index) outside 0..<\(count)")
            return unsafe base[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count, "index \(index) outside 0..<\(count)")
            unsafe base[index] = newValue
        }
    }

    /// The elements of `range`, which must lie in 0..<count.
    public func slice(_ range: Range<Int>) -> FloatView {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) outside 0..<\(count)")
        return unsafe FloatView(base: base + range.lowerBound, count: range.count)
    }

    public func fill(_ value: Float) {
        unsafe base.update(repeating: value, count: count)
    }

    /// Copies `values`, which must have this view's count.
    public func copy(from values: [Float]) {
        precondition(values.count == count, "\(values.count) values for \(count) places")
        unsafe values.withUnsafeBufferPointer { unsafe base.update(from: $0.baseAddress!, count: count) }
    }

    /// Copies `other`, which must have this view's count.
    public func copy(from other: FloatView) {
        precondition(other.count == count, "\(other.count) values for \(count) places")
        unsafe base.update(from: other.base, count: count)
    }

    /// Where the first element lies, for questions of alignment.
    package var address: UInt { unsafe UInt(bitPattern: base) }

    public var array: [Float] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

    /// The same memory as bytes, four to a float, for masks and indices of one byte.
    package var bytes: ByteView {
        unsafe ByteView(
            base: UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt8.self),
            count: count * MemoryLayout<Float>.stride)
    }

    /// A row-major matrix over the start of this view.
    public func matrix(rows: Int, columns: Int, leadingDimension: Int? = nil) -> MatrixView {
        let leading = leadingDimension ?? columns
        precondition(
            leading >= columns && (rows == 0 || (rows - 1) * leading + columns <= count),
            "a \(rows)x\(columns) matrix of leading dimension \(leading) does not fit \(count) floats")
        return unsafe MatrixView(base: base, rows: rows, columns: columns, leadingDimension: leading)
    }
}

/// A run of bytes inside a buffer that somebody else owns.
@safe
package struct ByteView: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt8>
    package let count: Int

    @unsafe
    init(base: UnsafeMutablePointer<UInt8>, count: Int) {
        unsafe self.base = unsafe base
        self.count = count
    }

    /// Floats that hold `count` bytes.
    package static func floats(forBytes count: Int) -> Int { (count + 3) / 4 }
}
