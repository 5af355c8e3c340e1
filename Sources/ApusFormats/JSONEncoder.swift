import Foundation

extension JSONEncoder {
    /// Writes one line, keys in alphabetical order: equal values have equal texts.
    package static var forLines: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
