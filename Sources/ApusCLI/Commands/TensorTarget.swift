import ApusFormats
import ApusTraining
import Foundation

/// The file that a command writes tensors to.
struct TensorTarget {
    let url: URL

    init(_ path: String) { url = URL(fileURLWithPath: path) }

    /// The path as people would type it.
    var shownPath: String { RunFolder.shown(url.path) }

    /// - Throws: `CommandError` where writing would replace one of `inputs`, symbolic links followed.
    func checkReplacesNone(of inputs: [URL]) throws {
        try url.checkReplacesNone(of: inputs)
    }

    /// Refuses, before there is work to lose, a place where nothing can be written, or where one of `inputs` lies.
    ///
    /// - Throws: `CommandError` where writing would replace one of these; `FileError`.
    func check(reading inputs: [URL] = []) throws {
        try checkReplacesNone(of: inputs)
        try AtomicFile.checkReplaceable(url)
    }

    /// Refuses, before there is work to lose, a name that is of no format to write so many tensors in.
    ///
    /// - Throws: `CommandError` where the name's ending says none, or one that holds a single tensor.
    func checkFormat(count: Int = 1) throws {
        try explaining {
            guard let format = TensorFormat(nameOf: url) else {
                throw TensorFileError.unknownExtension(file: shownPath)
            }
            guard format.isWritable else { throw TensorFileError.readOnly(format) }
            if format == .numpy, count != 1 { throw TensorFileError.notOneTensor(count: count) }
        }
    }

    /// Writes a file, in the format that its name's ending says.
    ///
    /// - Throws: `CommandError` where the format cannot hold the tensors, `FileError` where the file cannot be
    ///   written.
    func write(_ file: TensorFile) throws {
        try explaining { try file.write(to: url) }
    }

    /// Names the file where an error does not.
    private func explaining(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as TensorFileError {
            throw CommandError("cannot write \(shownPath): \(error)")
        }
    }
}
