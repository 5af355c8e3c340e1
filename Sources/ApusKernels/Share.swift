/// A part of a layer's work, where several threads do one layer together.
public struct Share: Sendable, Hashable {
    let index: Int
    let count: Int

    /// Part `index` of `count` of like size.
    public init(_ index: Int, of count: Int) {
        precondition(count > 0 && index >= 0 && index < count, "share \(index) of \(count)")
        self.index = index
        self.count = count
    }

    /// All of it.
    public static let all = Share(0, of: 1)

    /// Whether what cannot be divided is this part's.
    public var hasWhole: Bool { !range(of: 1).isEmpty }

    /// The part's run of `units` pieces of work.
    public func range(of units: Int) -> Range<Int> { units * index / count..<units * (index + 1) / count }
}
