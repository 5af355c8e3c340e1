/// HTML or SVG under construction: elements are closed and text is escaped, whatever it says.
package struct Markup {
    package private(set) var text = ""

    package init() {}

    /// An element around what `body` adds.
    package mutating func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ body: (inout Markup) -> Void
    ) {
        open(name, attributes)
        body(&self)
        text += "</\(name)>"
        if Self.blocks.contains(name) { text += "\n" }
    }

    /// An element around a text.
    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String>, _ words: String) {
        element(name, attributes) { $0.add(words) }
    }

    mutating func element(_ name: String, _ words: String) { element(name, [:], words) }

    /// An element that HTML does not close.
    mutating func void(_ name: String, _ attributes: KeyValuePairs<String, String>) { open(name, attributes) }

    /// What may be larger than its place, and is then moved about in it, by the keyboard too.
    mutating func region(_ name: String, style: String = "scroll", _ body: (inout Markup) -> Void) {
        element("div", ["class": style, "tabindex": "0", "role": "region", "aria-label": name], body)
    }

    mutating func add(_ words: String) { text += words.escapedForMarkup }

    /// What needs no escaping: a style sheet of our own.
    mutating func addVerbatim(_ words: String) { text += words }

    private mutating func open(_ name: String, _ attributes: KeyValuePairs<String, String>) {
        text += "<" + name
        for (key, value) in attributes { text += " \(key)=\"\(value.escapedForMarkup)\"" }
        text += ">"
    }

    /// Elements that stand on a line of their own, for those who read the source.
    private static let blocks: Set = [
        "section", "header", "footer", "div", "svg", "g", "table", "thead", "tbody", "tfoot", "tr", "figure",
        "h1", "h2", "h3", "p", "dl", "pre", "style", "title",
    ]
}

extension String {
    /// The text as HTML and SVG hold it, in attributes too; control characters, which they cannot hold, become
    /// U+FFFD.
    var escapedForMarkup: String {
        var escaped = ""
        escaped.reserveCapacity(utf8.count)
        for scalar in unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\n", "\t": escaped.unicodeScalars.append(scalar)
            default:
                let isControl = scalar.properties.generalCategory == .control
                escaped.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
            }
        }
        return escaped
    }
}
