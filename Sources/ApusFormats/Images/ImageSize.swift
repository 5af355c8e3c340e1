/// The height and width that images are brought to.
public struct ImageSize: Sendable, Hashable, CustomStringConvertible {
    public let height: Int
    public let width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// A square.
    public init(_ extent: Int) { self.init(height: extent, width: extent) }

    /// Height and width, `64x48`.
    public var description: String { "\(height)x\(width)" }
}
