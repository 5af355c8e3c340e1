/// The extent of one image or feature map: height, width, channels.
///
/// A vector of features is a map of one pixel: height and width 1, the features in `channels`.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
    public let height: Int
    public let width: Int
    public let channels: Int

    public init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// A vector of `count` features.
    public static func features(_ count: Int) -> Shape {
        Shape(height: 1, width: 1, channels: count)
    }

    /// Pixels of the map: height times width.
    public var pixels: Int { height * width }

    /// Elements of one image: height times width times channels.
    public var count: Int { height * width * channels }

    /// `[height, width, channels]`.
    package var extents: [Int] { [height, width, channels] }

    public var isVector: Bool { height == 1 && width == 1 }

    /// `28x28x1` for a map, `120` for a vector.
    public var description: String { isVector ? "\(channels)" : "\(height)x\(width)x\(channels)" }
}
