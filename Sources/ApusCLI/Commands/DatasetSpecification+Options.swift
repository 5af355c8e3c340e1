import ApusData
import ApusTraining

extension DatasetSpecification {
    /// Reads the value of an option; nil where it is not given.
    ///
    /// - Throws: `UsageError` where it names no dataset.
    init?(_ text: String?, of option: any OptionDeclaration) throws {
        guard let text else { return nil }
        self = try option.reading { try DatasetSpecification(parsing: text) }
    }

    /// The data that a checkpoint's run was trained on; nil where it holds none.
    init?(ofRun checkpoint: Checkpoint) throws {
        try self.init(checkpoint.settings?[TrainSettings.data.name], of: TrainSettings.data)
    }

    /// The data that a checkpoint's run was trained on.
    ///
    /// - Parameter option: says so where the checkpoint does not.
    /// - Throws: `UsageError` where it is needed.
    init(trainedOn checkpoint: Checkpoint, option: any OptionDeclaration) throws {
        guard let data = try DatasetSpecification(ofRun: checkpoint) else {
            throw UsageError.other(
                "\(RunFolder.shown(checkpoint.path)) does not say what it was trained on: "
                    + "\(option.spelling) <dataset> is required")
        }
        self = data
    }
}
