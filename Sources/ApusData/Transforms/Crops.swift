import ApusFormats
import ApusKernels

/// Keeps the middle of an image. A smaller image is surrounded by `fill`.
public struct CenterCrop: Transform, Hashable {
    public let size: ImageSize
    public let fill: Float

    public init(_ size: ImageSize, fill: Float = 0) {
        self.size = size
        self.fill = fill
    }

    public var outputSize: ImageSize? { size }

    public func check() throws {
        try TransformError.check(size, "center-crop")
        try TransformError.check(Double(fill), "fill", in: 0...1)
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        output.copy(
            from: input, top: Self.start(input.height - size.height),
            left: Self.start(input.width - size.width), fill: fill)
    }

    /// Half of what is left over, of two middles the one that is even, or less than half of what is missing: all as
    /// torchvision's.
    private static func start(_ rest: Int) -> Int {
        rest < 0 ? rest / 2 : Int((Double(rest) / 2).rounded(.toNearestOrEven))
    }
}

extension CenterCrop: CustomStringConvertible {
    public var description: String { "center-crop=\(size.text)\(fill.fillText)" }
}

/// Surrounds an image with `padding` pixels of `fill` on each side, and keeps a window at a random place.
public struct RandomCrop: Transform, Hashable {
    public let padding: Int
    /// The window's; nil for the image's own.
    public let size: ImageSize?
    public let fill: Float

    public init(padding: Int = 0, size: ImageSize? = nil, fill: Float = 0) {
        self.padding = padding
        self.size = size
        self.fill = fill
    }

    public var outputSize: ImageSize? { size }

    public func outputSize(of size: ImageSize) throws -> ImageSize {
        let window = self.size ?? size
        guard window.height <= size.height + 2 * padding, window.width <= size.width + 2 * padding else {
            throw TransformError.size(
                transform: description, found: size, expected: "at least \(window), padding included")
        }
        return window
    }

    public func check() throws {
        try TransformError.check(Double(padding), "pad-crop", in: 0...4096)
        if let size { try TransformError.check(size, "pad-crop's size") }
        try TransformError.check(Double(fill), "fill", in: 0...1)
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        let rows = input.height + 2 * padding - output.height
        let columns = input.width + 2 * padding - output.width
        output.copy(
            from: input, top: context.random.integer(below: rows + 1, at: 0) - padding,
            left: context.random.integer(below: columns + 1, at: 1) - padding, fill: fill)
    }
}

extension RandomCrop: CustomStringConvertible {
    public var description: String {
        "pad-crop=\(padding)\(size.map { ":size=\($0.text)" } ?? "")\(fill.fillText)"
    }
}

extension Float {
    /// A fill as a parameter; black, the default, goes without saying.
    var fillText: String { self == 0 ? "" : ":fill=\(Double(description)?.text ?? description)" }
}
