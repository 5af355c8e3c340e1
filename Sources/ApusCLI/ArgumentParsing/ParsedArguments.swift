import ApusFormats

/// The values of a command line, each held under its declaration.
package struct ParsedArguments: Sendable {
    private let specification: CommandSpecification
    private var values: [String: any Sendable] = [:]
    private var operands: [String] = []

    /// The value given, or the default.
    package subscript<Value>(option: Option<Value>) -> Value {
        guard let value = values[option.name] as? Value ?? option.fallback else {
            preconditionFailure("\(option.spelling) is not declared by '\(specification.name)'")
        }
        return value
    }

    package subscript(flag: Flag) -> Bool {
        values[flag.name] != nil
    }

    package subscript(operand: Operand) -> String { all(operand)[0] }

    /// All values of an operand that may be repeated; there is at least one, unless it may be left out.
    package func all(_ operand: Operand) -> [String] {
        guard let place = specification.operands.firstIndex(where: { $0.name == operand.name }) else {
            preconditionFailure("\(operand.spelling) is not declared by '\(specification.name)'")
        }
        return operand.isRepeated ? Array(operands.dropFirst(place)) : [operands[place]]
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
        var takesOptions = true
        while let argument = rest.popFirst() {
            if takesOptions, argument == "--" {
                // After two dashes nothing is an option.
                takesOptions = false
            } else if takesOptions, argument.looksLikeOption {
                try take(option: argument, rest: &rest)
            } else {
                try take(operand: argument)
            }
        }
        if let missing = specification.operands.dropFirst(operands.count).first, !missing.isOptional {
            throw .missingOperand(missing.spelling)
        }
        for option in specification.options where option.isRequired && values[option.name] == nil {
            throw .missingOption(option.spelling, valueName: option.valueName ?? "value")
        }
    }

    /// These arguments, and the values of `texts`, by their options' names, for options that are not given.
    package func completed(with texts: [String: String]) throws(UsageError) -> ParsedArguments {
        var completed = self
        for option in specification.options where values[option.name] == nil {
            guard let text = texts[option.name] else { continue }
            // A flag is given or not: its text says no more.
            completed.values[option.name] = option.valueName == nil ? true : try option.value(of: text)
        }
        return completed
    }

    private mutating func take(option argument: String, rest: inout ArraySlice<String>) throws(UsageError) {
        let sides = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let spelling = String(sides[0])
        let attached = sides.count > 1 ? String(sides[1]) : nil
        let option = try declaration(of: spelling)
        guard values[option.name] == nil else { throw .repeatedOption(option.spelling) }

        if let valueName = option.valueName {
            guard let text = attached ?? Self.takeValue(from: &rest) else {
                throw .missingValue(option: option.spelling, valueName: valueName)
            }
            values[option.name] = try option.value(of: text)
        } else if let attached {
            throw .unexpectedValue(option: spelling, value: attached)
        } else {
            values[option.name] = true
        }
    }

    private mutating func take(operand: String) throws(UsageError) {
        let declared = specification.operands
        guard operands.count < declared.count || declared.last?.isRepeated == true else {
            throw .unexpectedOperand(operand)
        }
        guard !operand.isEmpty else {
            throw .emptyOperand(declared[min(operands.count, declared.count - 1)].spelling)
        }
        operands.append(operand)
    }

    private static func takeValue(from rest: inout ArraySlice<String>) -> String? {
        guard let next = rest.first, !next.looksLikeOption else { return nil }
        return rest.popFirst()
    }

    private func declaration(of spelling: String) throws(UsageError) -> any OptionDeclaration {
        for option in specification.options {
            if spelling == option.spelling || option.short.map({ spelling == "-\($0)" }) == true {
                return option
            }
        }
        let known = specification.options.map(\.spelling) + ["--help"]
        let suggestion = NearestName.suggestion(for: spelling, among: known)
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
