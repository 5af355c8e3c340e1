import ApusFormats
import ApusNN

extension Network {
    /// All parameters, in the order of planning, under PyTorch's names and in its layout.
    public var tensors: [FileTensor] {
        parameters.map { FileTensor(name: $0.name, shape: $0.shape, floats: values(of: $0)) }
    }

    /// Sets every parameter from the tensor of its name, which has its shape in PyTorch's layout.
    ///
    /// Wider numbers than single precision are rounded. Where anything is wrong, no parameter is changed.
    ///
    /// - Parameter name: the file's name in errors.
    /// - Throws: `WeightsError` where the file has tensors beyond the parameters or lacks one, or one has
    ///   another shape, whole numbers, or numbers that are not finite.
    public func load(_ file: TensorFile, named name: String) throws {
        let weights = Weights(file, name: name)
        let known = Set(parameters.map(\.name))
        let unknown = file.tensors.map(\.name).filter { !known.contains($0) }
        if let first = unknown.first {
            let suggestion = NearestName.suggestion(for: first, among: parameters.map(\.name))
            throw WeightsError(
                file: name, tensors: unknown,
                found: unknown.count == 1 ? "no parameter of that name" : "no parameters of those names",
                expected: "tensors of the network's parameters alone"
                    + (suggestion.map { "; did you mean '\($0)' by '\(first)'?" } ?? ""))
        }
        let values = try parameters.map { parameter in
            guard let tensor = weights[parameter] else {
                throw WeightsError(
                    file: name, tensors: [parameter.name], found: "no such tensor",
                    expected: "one of the shape \(parameter.shape)")
            }
            return try weights.values(of: tensor, for: parameter)
        }
        for (parameter, values) in zip(parameters, values) { try setValues(values, of: parameter) }
    }

    /// Sets those parameters for which the file has a tensor of their name and shape: what another network has
    /// learned, as far as it fits.
    ///
    /// Where anything is wrong, no parameter is changed.
    ///
    /// - Parameter name: the file's name in errors.
    /// - Throws: `WeightsError` where nothing fits at all, or where a tensor that fits holds whole numbers, or
    ///   numbers that are not finite.
    public func loadFitting(_ file: TensorFile, named name: String) throws -> WeightsReport {
        let weights = Weights(file, name: name)
        var report = WeightsReport()
        var fitting: [(parameter: Parameter, values: [Float])] = []
        for parameter in parameters {
            guard let tensor = weights[parameter] else {
                report.missing.append(parameter.name)
                continue
            }
            if tensor.shape == parameter.shape {
                fitting.append((parameter, try weights.values(of: tensor, for: parameter)))
                report.loaded.append(parameter.name)
            }
        }
        let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
        report.skipped = file.tensors.compactMap { tensor in
            guard let shape = shapes[tensor.name] else {
                return WeightsReport.Skipped(name: tensor.name, reason: .noParameter)
            }
            guard shape != tensor.shape else { return nil }
            return WeightsReport.Skipped(
                name: tensor.name, reason: .shape(found: tensor.shape, expected: shape))
        }
        guard !fitting.isEmpty else {
            let reasons = report.skipped.prefix(3).map { "\($0.name): \($0.reason)" }
            throw WeightsError(
                file: name, tensors: [],
                found: reasons.isEmpty
                    ? "no tensors" : "no tensor that fits (\(reasons.joined(separator: "; ")))",
                expected: "at least one of the name and shape of a parameter")
        }
        for (parameter, values) in fitting { try setValues(values, of: parameter) }
        return report
    }
}

/// The tensors of a file by name.
private struct Weights {
    private let name: String
    private let tensors: [String: FileTensor]

    init(_ file: TensorFile, name: String) {
        self.name = name
        tensors = Dictionary(file.tensors.map { ($0.name, $0) }) { first, _ in first }
    }

    subscript(parameter: Parameter) -> FileTensor? { tensors[parameter.name] }

    /// The elements of `tensor`, if it can be what `parameter` is set to.
    func values(of tensor: FileTensor, for parameter: Parameter) throws -> [Float] {
        func error(found: String, expected: String) -> WeightsError {
            WeightsError(file: name, tensors: [tensor.name], found: found, expected: expected)
        }
        guard tensor.shape == parameter.shape else {
            throw error(found: "the shape \(tensor.shape)", expected: "\(parameter.shape)")
        }
        guard tensor.elementType.isFloatingPoint else {
            throw error(found: "numbers of type \(tensor.elementType.rawValue)", expected: "floating point")
        }
        let values = tensor.floats
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw error(
                found: "\(values[index]) at element \(index)", expected: "numbers finite in single precision")
        }
        return values
    }
}

/// What came of loading the weights that fit.
public struct WeightsReport: Sendable, Hashable {
    /// A tensor of the file that was left.
    public struct Skipped: Sendable, Hashable {
        public let name: String
        public let reason: Reason
    }

    /// Why a tensor was left.
    public enum Reason: Sendable, Hashable, CustomStringConvertible {
        case noParameter
        case shape(found: [Int], expected: [Int])

        public var description: String {
            switch self {
            case .noParameter: "no parameter of that name"
            case .shape(let found, let expected): "found the shape \(found), expected \(expected)"
            }
        }
    }

    /// Parameters that were set, in the network's order.
    public internal(set) var loaded: [String] = []
    /// Tensors that do not fit, in the file's order.
    public internal(set) var skipped: [Skipped] = []
    /// Parameters of whose name the file has no tensor.
    public internal(set) var missing: [String] = []
}

/// Weights in a file that are not those of the network.
public struct WeightsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let file: String
    /// The tensors in question; none where it is the file as a whole.
    public let tensors: [String]
    public let found: String
    public let expected: String

    public var description: String {
        let shown = tensors.prefix(3).joined(separator: ", ")
        let rest = tensors.count > 3 ? " and \(tensors.count - 3) more" : ""
        let place = tensors.isEmpty ? "" : ", \(tensors.count == 1 ? "tensor" : "tensors") \(shown)\(rest)"
        return "\(file)\(place): found \(found), expected \(expected)"
    }
}
