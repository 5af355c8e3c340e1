import ApusFormats
import ApusKernels

/// A transform as a text says it: `name=value:parameter=value`. What is never asked for is unknown.
struct TransformTerm {
    let name: String
    /// What stands behind the name, by the name itself, and the parameters.
    private var given: [String: String] = [:]
    private var known: [String] = []
    private var takesValue = false

    init(_ text: Substring) throws(TransformError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { part in
            part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(Self.trimmed)
        }
        name = parts[0][0]
        guard !name.isEmpty else { throw .malformed(Self.trimmed(text)) }
        if parts[0].count > 1 { given[name] = parts[0][1] }
        for sides in parts.dropFirst() {
            guard sides.count == 2, !sides[0].isEmpty, given[sides[0]] == nil else {
                throw .malformed(Self.trimmed(text))
            }
            given[sides[0]] = sides[1]
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    /// The value behind the name.
    mutating func number(default fallback: Double? = nil) throws(TransformError) -> Double {
        takesValue = true
        if given[name] == nil, let fallback { return fallback }
        return try Self.number(given[name] ?? "", name: name, "a number")
    }

    mutating func whole() throws(TransformError) -> Int {
        takesValue = true
        guard let value = Int(given[name] ?? "") else {
            throw .invalidValue(given[name] ?? "", name: name, requirement: "a whole number")
        }
        return value
    }

    mutating func size() throws(TransformError) -> ImageSize {
        takesValue = true
        return try Self.size(given[name] ?? "", name: name)
    }

    /// A range, or how much more and less than 1.
    mutating func scale() throws(TransformError) -> ClosedRange<Double> {
        takesValue = true
        let text = given[name] ?? ""
        if text.contains("..") { return try Self.range(text, name: name) }
        let requirement = "a range such as 0.9..1.1, or a number below 1"
        let reach = try Self.number(text, name: name, requirement)
        guard 0..<1 ~= reach else { throw .invalidValue(text, name: name, requirement: requirement) }
        // The decimals that were meant: 1 + 0.1, not the sum's last bits.
        return Self.decimal(1 - reach)...Self.decimal(1 + reach)
    }

    mutating func number(_ parameter: String) throws(TransformError) -> Double? {
        guard let text = self.parameter(parameter) else { return nil }
        return try Self.number(text, name: "\(name)'s \(parameter)", "a number")
    }

    mutating func size(_ parameter: String) throws(TransformError) -> ImageSize? {
        guard let text = self.parameter(parameter) else { return nil }
        return try Self.size(text, name: "\(name)'s \(parameter)")
    }

    mutating func range(_ parameter: String) throws(TransformError) -> ClosedRange<Double>? {
        guard let text = self.parameter(parameter) else { return nil }
        return try Self.range(text, name: "\(name)'s \(parameter)")
    }

    mutating func fill() throws(TransformError) -> Float { Float(try number("fill") ?? 0) }

    mutating func filter() throws(TransformError) -> Resampling.Filter {
        guard let text = parameter("filter") else { return .bilinear }
        guard let filter = Resampling.Filter(rawValue: text) else {
            let names = Resampling.Filter.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidValue(text, name: "\(name)'s filter", requirement: "one of \(names)")
        }
        return filter
    }

    func checkAllKnown() throws(TransformError) {
        for parameter in given.keys.sorted() where parameter != name && !known.contains(parameter) {
            throw .unknownParameter(parameter, transform: name, known: known)
        }
    }

    private mutating func parameter(_ parameter: String) -> String? {
        known.append(parameter)
        return given[parameter]
    }

    private static func number(
        _ text: String, name: String, _ requirement: String
    ) throws(TransformError) -> Double {
        guard let value = Double(text), value.isFinite else {
            throw .invalidValue(text, name: name, requirement: requirement)
        }
        return value
    }

    private static func size(_ text: String, name: String) throws(TransformError) -> ImageSize {
        let extents = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard 1...2 ~= extents.count, extents.allSatisfy({ $0 >= 1 }) else {
            throw .invalidValue(
                text, name: name, requirement: "a number such as 64, or height and width such as 64x48")
        }
        return ImageSize(height: extents[0], width: extents[extents.count - 1])
    }

    private static func range(_ text: String, name: String) throws(TransformError) -> ClosedRange<Double> {
        let bounds = text.split(separator: "..", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
        guard bounds.count == 2, bounds.allSatisfy(\.isFinite), bounds[0] <= bounds[1] else {
            throw .invalidValue(text, name: name, requirement: "a range such as 0.5..1")
        }
        return bounds[0]...bounds[1]
    }

    private static func decimal(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }
}
