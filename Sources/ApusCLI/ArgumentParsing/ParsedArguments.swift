import ApusFormats

/// The values of a command line, each held under its declaration.
package struct ParsedArguments: Sendable {
    private let specification: CommandSpecification
    private var values: [String: any Sendable] = [:]
    private var spellings: [String: String] = [:]
    private var operands: [String] = []

    /// The value given, or the default.
    package subscript<Value>(option: Option<Value>) -> Value {
        guard let value = values[option.name] as? Value ?? option.fallback else {
            preconditionFailure("\(option.spelling) is not declared by '\(specification.name)'")
        }
        return value
    }

    package subscript(flag: Flag) -> Bool {
        values[flag.name] as? Bool ?? flag.fallback
    }

    /// The operand, or nil where an optional one is absent.
    package subscript(operand: Operand) -> String? {
        let index = specification.operands.firstIndex { $0.name == operand.name }
        return index.flatMap { operands.indices.contains($0) ? operands[$0] : nil }
    }

    /// Whether the command line gives the option, be it with its default.
    package func contains(_ option: any OptionDeclaration) -> Bool {
        values[option.name] != nil
    }

    /// Reads a command line.
    ///
    /// - Parameter arguments: What follows the command's name.
    package init(_ arguments: [String], for specification: CommandSpecification) throws(UsageError) {
        self.specification = specification
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                for operand in rest { try take(operand: operand) }
                break
            } else if argument.looksLikeOption {
                try take(option: argument, rest: &rest)
            } else {
                try take(operand: argument)
            }
        }
        for option in specification.options where option.isRequired && values[option.name] == nil {
            throw .missingOption(option.spelling, valueName: option.valueName ?? "value")
        }
        for operand in specification.operands.dropFirst(operands.count) where !operand.isOptional {
            throw .missingOperand(operand.name)
        }
    }

    private mutating func take(operand: String) throws(UsageError) {
        guard operands.count < specification.operands.count else { throw .unexpectedOperand(operand) }
        operands.append(operand)
    }

    private mutating func take(option argument: String, rest: inout ArraySlice<String>) throws(UsageError) {
        let sides = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let spelling = String(sides[0])
        let attached = sides.count > 1 ? String(sides[1]) : nil
        let (option, isNegated) = try declaration(of: spelling)

        if let earlier = spellings[option.name] {
            if option.isNegatable, earlier != spelling, [earlier, spelling].contains("--no-\(option.name)") {
                throw .contradiction(earlier, spelling)
            }
            throw .repeatedOption(option.spelling)
        }
        spellings[option.name] = spelling

        if let valueName = option.valueName {
            guard let text = attached ?? Self.takeValue(from: &rest) else {
                throw .missingValue(option: option.spelling, valueName: valueName)
            }
            values[option.name] = try option.value(of: text)
        } else if let attached {
            throw .unexpectedValue(option: spelling, value: attached)
        } else {
            values[option.name] = !isNegated
        }
    }

    private static func takeValue(from rest: inout ArraySlice<String>) -> String? {
        guard let next = rest.first, !next.looksLikeOption else { return nil }
        return rest.popFirst()
    }

    private func declaration(
        of spelling: String
    ) throws(UsageError) -> (option: any OptionDeclaration, isNegated: Bool) {
        for option in specification.options {
            if spelling == option.spelling || option.short.map({ spelling == "-\($0)" }) == true {
                return (option, false)
            }
            if option.isNegatable, spelling == "--no-\(option.name)" { return (option, true) }
        }
        let known = specification.options.flatMap { option in
            [option.spelling] + (option.isNegatable ? ["--no-\(option.name)"] : [])
        }
        let suggestion = NearestName.suggestion(for: spelling, among: known + ["--help"])
        throw .unknownOption(spelling, suggestion: suggestion)
    }
}

extension String {
    /// Whether the text is an option rather than a value: neither `-` alone, which stands for standard input,
    /// nor a negative number.
    fileprivate var looksLikeOption: Bool {
        hasPrefix("-") && self != "-" && Double(self) == nil
    }
}
