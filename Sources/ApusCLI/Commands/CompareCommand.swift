import ApusFormats

/// `apus compare`: compares the tensors of two files.
struct CompareCommand: Command {
    private static let a = Operand("A", help: "The tensors in question: \(TensorSource.kinds).")
    private static let b = Operand("B", help: "The tensors they should be.")
    private static let relative = Option(
        "rtol", "x", default: 1e-4, .atLeast(0),
        help: "The error of a number that is borne, as a part of B's number.")
    private static let absolute = Option(
        "atol", "x", default: 1e-6, .atLeast(0),
        help: "The error that is borne beside it. Whole numbers must be equal, and NaN is NaN's equal alone.")

    static let specification = CommandSpecification(
        "compare", abstract: "Compares two files tensor by tensor; ends with status 2 where they differ.",
        operands: [a, b], options: [relative, absolute],
        examples: [
            Example("compare out.safetensors pytorch.safetensors --rtol 1e-5", "Ours against PyTorch's.")
        ])

    let paths: (a: String, b: String)
    let tolerance: TensorComparison.Tolerance

    init(_ arguments: ParsedArguments) throws {
        paths = (arguments[Self.a], arguments[Self.b])
        tolerance = TensorComparison.Tolerance(
            relative: arguments[Self.relative], absolute: arguments[Self.absolute])
    }

    func run(on console: Console) throws -> ExitCode {
        let (a, b) = (try TensorSource(paths.a), try TensorSource(paths.b))
        let comparisons = Self.compare(a.file, b.file, tolerance)
        var table = TextTable([.left, .left, .right, .right, .left])
        table.add(["tensor", "shape", "worst error", "relative", "verdict"])
        table.addRule()
        for comparison in comparisons {
            table.add([
                comparison.name, comparison.shape.shapeText, comparison.worstError?.digits(3) ?? "",
                comparison.relativeNormError?.digits(3) ?? "", comparison.verdict,
            ])
        }
        let differing = comparisons.filter { $0.difference != nil }
        console.write(
            "A  \(a.shownPath)\nB  \(b.shownPath)\n\n" + table.text(gap: 2) + "\n"
                + verdict(on: comparisons.count, differing).wrapped(columns: console.tableColumns) + "\n")
        return differing.isEmpty ? .success : .difference
    }

    /// One for each name: A's in the order of A, then those that B alone has. A lone tensor may be named after its
    /// file, as in `.npy`, and is compared with the other's whatever their names.
    private static func compare(
        _ a: TensorFile, _ b: TensorFile, _ tolerance: TensorComparison.Tolerance
    ) -> [TensorComparison] {
        if a.tensors.count == 1, b.tensors.count == 1 {
            return [TensorComparison(a.tensors[0].name, a.tensors[0], b.tensors[0], tolerance)]
        }
        let names = Set(a.tensors.map(\.name))
        let others = Dictionary(b.tensors.map { ($0.name, $0) }) { first, _ in first }
        return a.tensors.map { TensorComparison($0.name, $0, others[$0.name], tolerance) }
            + b.tensors.filter { !names.contains($0.name) }
            .map { TensorComparison($0.name, nil, $0, tolerance) }
    }

    private func verdict(on count: Int, _ differing: [TensorComparison]) -> String {
        guard let first = differing.first, let difference = first.difference else {
            return "\(count.counted("tensor")): no error is beyond "
                + "\(tolerance.absolute.digits(3)) + \(tolerance.relative.digits(3)) |B|."
        }
        let place = differing.count == 1 ? "alone" : "and \((differing.count - 1).grouped) more"
        return "Of \(count.counted("tensor")) \(first.name) \(place) "
            + "\(differing.count == 1 ? "differs" : "differ"): "
            + difference.explanation(relativeNormError: first.relativeNormError)
    }
}

extension TensorComparison {
    fileprivate var verdict: String {
        switch difference {
        case nil: worstError == 0 ? "equal" : "close"
        case .missing(let file): "not in \(file)"
        case .shape(_, let shape): "shape \(shape.shapeText) in B"
        case .type(let a, let b): "\(a.rawValue), \(b.rawValue) in B"
        case .values: "differs"
        }
    }
}

extension TensorComparison.Difference {
    fileprivate func explanation(relativeNormError: Double?) -> String {
        switch self {
        case .missing(let file): "\(file) has no such tensor."
        case .shape(let a, let b): "its shape is \(a) in A and \(b) in B."
        case .type(let a, let b): "its numbers are \(a.rawValue) in A and \(b.rawValue) in B."
        case .values(let element, let count):
            "\(count.counted("element")) beyond the tolerance, the farthest at \(element.index): "
                + "\(element.a) in A, \(element.b) in B, error \(element.error.digits(3)); relative error of "
                + "the whole \((relativeNormError ?? 0).digits(3))."
        }
    }
}
