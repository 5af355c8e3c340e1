import ApusData
import ApusKernels
import ApusModels
import ApusNN

/// A model of the catalogue or a variant of one, by its name.
struct ModelName: ArgumentValue, Equatable {
    let argument: String

    init(_ model: any Model) { argument = model.variantName }

    static var choices: [String] { ModelCatalog.variantNames }

    init(argument: String) throws(InvalidArgument) {
        guard ModelCatalog.model(named: argument) != nil else {
            throw InvalidArgument(
                mustBe: "one of \(Self.choices.joined(separator: ", ")), "
                    + "perhaps with layers factored at ranks, as in lenet5+fc1=20,fc2=12")
        }
        self.argument = argument
    }

    /// The model for a number of classes, by default those it was designed for.
    func model(classes: Int? = nil) -> any Model {
        // The name is the catalogue's: it was read as one, or is a model's own. Layers are there for any classes.
        ModelCatalog.model(named: argument, classes: classes)!
    }
}

extension ModelName {
    /// What the folder of a run is called by default.
    var folderName: String {
        let name = FactoredName(argument)
        return name.ranks.entries.isEmpty ? name.base : "\(name.base)-factored"
    }

    /// What `body` builds of the model; where it cannot be, the error says so, and for which images if it is a
    /// layer's.
    func built<Result>(for images: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PlanningError {
            throw CommandError(
                error.path.isEmpty
                    ? "\(argument): \(error)" : "\(argument) cannot be built for \(images): \(error)")
        }
    }
}

extension Backend: ArgumentValue {}

/// Options that several commands have.
enum CommonOptions {
    static let model = Option(
        "model", short: "m", "name", default: ModelName(LeNet5()), help: "The network.")
    static let checkpoint = Option<String>(
        required: "checkpoint", short: "c", "path",
        help: "A checkpoint, or the folder of a run, of which the last one is read.")
    static let threads = Option<Int?>(
        "threads", short: "t", "n", absent: "as many as the process may use", .between(1, and: 1024),
        help: "Threads to compute on; results do not depend on it.")
    static let input = Option<Shape?>(
        "input", short: "i", "HxWxC", absent: "what the model was designed for",
        help: "The images: height, width and channels.")
    static let backend = Option<Backend?>(
        "backend", "name",
        absent: "APUS_BACKEND of the environment, or vector on AVX2 and AVX-512, else gemm",
        help:
            "What computes products and convolutions: OpenBLAS, or vector kernels of our own where they are "
            + "faster. They round in another order.")
    static let strict = Flag(
        "strict", help: "Make a file that is no whole image an error; otherwise it is left out, and named.")
    static let augment = Option<String?>(
        "augment", "transforms", absent: "none",
        help: "Random changes of training images, one after the other, separated by commas: "
            + "\(Augmentation.names.joined(separator: ", ")); values as in 'rotate=10,shift=0.1,flip'. "
            + "'apus preview --help' explains each.")
    static let json = Flag("json", help: "Write JSON, for programs.")

    static func classes(absent: String, help: String = "Classes to tell apart.") -> Option<Int?> {
        Option("classes", "n", absent: absent, .between(1, and: 65_536), help: help)
    }

    static func batchSize(default fallback: Int, help: String) -> Option<Int> {
        Option("batch-size", short: "b", "n", default: fallback, .between(1, and: 1_000_000), help: help)
    }

    /// The transforms that the arguments name.
    ///
    /// - Throws: `UsageError` where they cannot be read.
    static func augmentation(_ arguments: ParsedArguments) throws(UsageError) -> Augmentation? {
        guard let text = arguments[augment] else { return nil }
        return try augment.reading { try Augmentation(parsing: text) }
    }

    /// The backend that the arguments name, or else the preferred one.
    ///
    /// - Throws: `UsageError` where that was picked although the environment names another, which there is not.
    static func backend(_ arguments: ParsedArguments) throws(UsageError) -> Backend {
        if let backend = arguments[backend] { return backend }
        if let name = Backend.misnamed {
            throw .other(
                "\(Backend.variable) in the environment must be one of "
                    + "\(Backend.choices.joined(separator: ", ")), found '\(name)'")
        }
        return .preferred
    }

    /// Tells, where errors go, of more threads than cores.
    static func remark(onThreads threads: Int?, to console: Console) {
        if let threads, let remark = remark(onThreads: threads) { console.complain(remark + "\n") }
    }

    /// What to say of more threads than cores, or nil.
    static func remark(onThreads threads: Int) -> String? {
        guard threads > Machine.usableThreads else { return nil }
        return "note: \(threads) threads on \(Machine.usableThreads.counted("core")) take turns, "
            + "which is slower than one thread a core"
    }
}
