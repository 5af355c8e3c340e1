/// A pattern over names, in which `*` stands for any run of characters, dots included, and `?` for one.
public struct NamePattern: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let description: String

    public init(_ pattern: String) { description = pattern }
    public init(stringLiteral pattern: String) { self.init(pattern) }

    /// Whether the pattern describes the whole of `name`.
    public func matches(_ name: String) -> Bool {
        let (pattern, name) = (Array(description.unicodeScalars), Array(name.unicodeScalars))
        var (place, index) = (0, 0)
        // The last star, and the first character it does not stand for yet.
        var star: (place: Int, index: Int)?
        while index < name.count {
            if place < pattern.count, pattern[place] == "*" {
                star = (place, index)
                place += 1
            } else if place < pattern.count, pattern[place] == "?" || pattern[place] == name[index] {
                place += 1
                index += 1
            } else if let last = star {
                star = (last.place, last.index + 1)
                place = last.place + 1
                index = last.index + 1
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
