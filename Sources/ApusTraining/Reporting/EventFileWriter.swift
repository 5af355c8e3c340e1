import ApusFormats
import Foundation

/// A run as scalars that TensorBoard shows: of every epoch, and of the steps between.
///
/// | tag | holds |
/// |---|---|
/// | `loss/train`, `loss/test`, `accuracy/train`, `accuracy/test` | an epoch's means, at its last step |
/// | `epoch/learning_rate`, `epoch/images_per_second` | an epoch's last rate, and its throughput |
/// | `steps/loss`, `steps/accuracy`, `steps/learning_rate`, `steps/images_per_second` | the same over some steps |
///
/// Each process that trains in the folder writes a file of its own, which begins by taking back what older ones say
/// of steps that are taken again.
final class EventFileWriter {
    private let file: FileHandle
    private let path: String
    private let interval: Int
    /// Where the next scalars of steps begin to count.
    private var last: TrainingProgress

    private static let prefix = "events.out.tfevents."

    /// The second in which a file of events was begun, by its name; nil where it is none of ours.
    static func number(of name: String) -> Int? {
        guard name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)) else { return nil }
        return 0...1 << 53 ~= number ? number : nil
    }

    /// Begins a file for what follows `progress`.
    ///
    /// - Parameter interval: scalars of steps are written at multiples of it.
    /// - Throws: `FileError` where it cannot be written.
    init(in folder: URL, after progress: TrainingProgress, every interval: Int) throws {
        // TensorBoard reads files in the order of their names, whose number is the second of their beginning.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let newest = names.compactMap(Self.number).max() ?? 0
        let number = max(Int(Date().timeIntervalSince1970), newest + 1)
        let url = folder.appending(path: "\(Self.prefix)\(number)")
        let descriptor = open(url.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError(path: url.path, operation: .create, code: errno) }
        file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        path = url.path
        self.interval = interval
        last = progress
        try append(.version, step: 0)
        try append(.start, step: progress.step + 1)
    }

    /// Writes of the steps since the last time, where it is time to.
    func add(_ progress: TrainingProgress, rate: Double) throws {
        guard progress.step % interval == 0 else { return }
        let before = last.epoch == progress.epoch ? last : TrainingProgress()
        last = progress
        let images = progress.images - before.images
        let (weight, seconds) = (progress.lossWeight - before.lossWeight, progress.seconds - before.seconds)
        guard images > 0, weight > 0, seconds > 0 else { return }
        try append(
            .scalars([
                ("steps/loss", (progress.lossSum - before.lossSum) / weight),
                ("steps/accuracy", Double(progress.correct - before.correct) / Double(images)),
                ("steps/learning_rate", rate),
                ("steps/images_per_second", Double(images) / seconds),
            ]), step: progress.step)
    }

    /// Writes what an epoch came to that ended with `step`.
    func add(_ record: EpochRecord, step: Int) throws {
        let scalars: [(String, Double?)] = [
            ("loss/train", record.trainLoss), ("loss/test", record.testLoss),
            ("accuracy/train", record.trainAccuracy), ("accuracy/test", record.testAccuracy),
            ("epoch/learning_rate", record.learningRate),
            ("epoch/images_per_second", record.imagesPerSecond),
        ]
        try append(.scalars(scalars.compactMap { tag, value in value.map { (tag, $0) } }), step: step)
    }

    private func append(_ content: EventRecord.Content, step: Int) throws {
        let event = EventRecord(content, step: step, wallTime: Date().timeIntervalSince1970)
        try AtomicFile.write(event.framed, to: file.fileDescriptor, path: path)
    }
}
