import Foundation

/// Reads the text at the head of a file from front to back, and says where it goes wrong.
///
/// It builds no tree: callers ask for what may come next, so that text nested deeper than they ask is an error
/// where it begins, and memory is what they keep.
struct HeaderScanner {
    private let text: [UInt8]
    private let file: String
    /// Where the text begins in the file.
    private let start: Int
    private var position = 0

    /// - Parameters:
    ///   - text: The header alone.
    ///   - file: The file's name in errors.
    ///   - start: Where the header begins in the file.
    init(_ text: Data, file: String, startingAt start: Int) {
        self.text = Array(text)
        self.file = file
        self.start = start
    }

    /// Where in the file the scanner is.
    var offset: Int { start + position }

    /// The error of a text that goes wrong here, or at another `offset` of the file.
    func failure(at offset: Int? = nil, found: String? = nil, expected: String) -> FormatError {
        FormatError(
            file: file, offset: offset ?? self.offset, found: found ?? nextDescription, expected: expected)
    }

    private var nextDescription: String {
        guard position < text.count else { return "the end of the header" }
        let byte = text[position]
        return 0x20..<0x7F ~= byte ? "\(Unicode.Scalar(byte))" : "the byte 0x" + String(byte, radix: 16)
    }

    private func string(of characters: some Collection<UInt8>, at offset: Int) throws -> String {
        guard let string = String(validating: characters, as: UTF8.self) else {
            throw failure(at: offset, found: "text that is not UTF-8", expected: "UTF-8")
        }
        return string
    }

    /// Steps over white space and then `character`, if it is there.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// - Throws: `FormatError` where something else than `character` is next.
    mutating func require(_ character: Unicode.Scalar) throws {
        guard take(character) else { throw failure(expected: "\(character)") }
    }

    /// - Throws: `FormatError` where anything but white space is left.
    mutating func requireEnd() throws {
        skipSpace()
        guard position == text.count else { throw failure(expected: "the end of the header") }
    }

    private mutating func skipSpace() {
        while position < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) { position += 1 }
    }

    /// The letters and digits that are next, perhaps none.
    mutating func word() -> String {
        skipSpace()
        let word = text[position...].prefix { byte in
            [0x30...0x39, 0x41...0x5A, 0x61...0x7A].contains { $0 ~= byte }
        }
        position = word.endIndex
        return String(decoding: word, as: UTF8.self)
    }

    /// A whole number, not negative, in decimal digits without leading zeros.
    mutating func wholeNumber() throws -> Int {
        skipSpace()
        let beginning = offset
        let digits = word()
        guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            digits == "0" || !digits.hasPrefix("0"), let number = Int(digits)
        else {
            throw failure(
                at: beginning, found: digits.isEmpty ? nil : String(digits.prefix(40)),
                expected: "a whole number below 2^63")
        }
        return number
    }

    // MARK: JSON (RFC 8259)

    /// `{"key": value, ...}`: `value` reads what follows each key.
    mutating func object(_ value: (inout HeaderScanner, _ key: String) throws -> Void) throws {
        try require("{")
        guard !take("}") else { return }
        repeat {
            let key = try string()
            try require(":")
            try value(&self, key)
        } while take(",")
        try require("}")
    }

    /// `[number, ...]`, the numbers whole.
    mutating func wholeNumbers() throws -> [Int] {
        try require("[")
        var numbers: [Int] = []
        guard !take("]") else { return numbers }
        repeat { numbers.append(try wholeNumber()) } while take(",")
        try require("]")
        return numbers
    }

    /// `"text"`, its escapes resolved.
    mutating func string() throws -> String {
        try require("\"")
        let beginning = offset
        var characters: [UInt8] = []
        while true {
            guard position < text.count else { throw failure(expected: "\"") }
            switch text[position] {
            case UInt8(ascii: "\""):
                position += 1
                return try string(of: characters, at: beginning)
            case UInt8(ascii: "\\"):
                position += 1
                characters += try escape().utf8
            case 0..<0x20:
                throw failure(expected: "no control characters in a string")
            case let byte:
                position += 1
                characters.append(byte)
            }
        }
    }

    /// What stands for a character after a backslash.
    private mutating func escape() throws -> String {
        guard position < text.count else { throw failure(expected: "an escaped character") }
        let letter = Unicode.Scalar(text[position])
        guard letter != "u" else { return try unicodeEscape() }
        let meanings: [Unicode.Scalar: String] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
        ]
        guard let meaning = meanings[letter] else {
            throw failure(expected: "one of \" \\ / b f n r t u after a backslash")
        }
        position += 1
        return meaning
    }

    /// `uXXXX`, or two of them for a character beyond 16 bits.
    private mutating func unicodeEscape() throws -> String {
        let beginning = offset
        var units = [try utf16Unit()]
        if UTF16.isLeadSurrogate(units[0]), text[position...].starts(with: "\\u".utf8) {
            position += 1
            units.append(try utf16Unit())
        }
        guard let character = String(validating: units, as: UTF16.self) else {
            throw failure(at: beginning, found: "half a surrogate pair", expected: "a character")
        }
        return character
    }

    private mutating func utf16Unit() throws -> UInt16 {
        position += 1
        let digits = text[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure(expected: "four hexadecimal digits after \\u") }
        position += 4
        return unit
    }

    // MARK: Python literals

    /// `{'key': value, ...}`, perhaps with a comma after the last value: `value` reads what follows each key.
    mutating func dictionary(_ value: (inout HeaderScanner, _ key: String) throws -> Void) throws {
        try require("{")
        while !take("}") {
            let key = try plainString()
            try require(":")
            try value(&self, key)
            guard take(",") else { return try require("}") }
        }
    }

    /// `()`, `(1,)` or `(1, 2)`: `(1)` is a number in Python.
    mutating func tuple() throws -> [Int] {
        try require("(")
        var numbers: [Int] = []
        while !take(")") {
            numbers.append(try wholeNumber())
            if take(",") { continue }
            guard numbers.count > 1 else { throw failure(expected: ",") }
            try require(")")
            break
        }
        return numbers
    }

    /// `'text'` or `"text"` as it stands: without escapes.
    mutating func plainString() throws -> String {
        let quote: Unicode.Scalar = take("\"") ? "\"" : "'"
        if quote == "'" { try require(quote) }
        let beginning = offset
        let inside = text[position...].prefix { $0 != UInt8(ascii: quote) }
        position = inside.endIndex
        try require(quote)
        return try string(of: inside, at: beginning)
    }
}
