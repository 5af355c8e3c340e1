import ApusTraining
import Foundation

extension RunFolder {
    /// The folder as people would type it.
    var shownPath: String { Self.shown(path) }

    /// A path relative to the working folder where it lies inside.
    static func shown(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }

    /// A program's path as it would be typed: one in the working folder itself needs its `./`.
    static func typed(_ program: String) -> String {
        let shown = shown(program)
        return program.contains("/") && !shown.contains("/") ? "./" + shown : shown
    }
}

extension URL {
    /// For a file to be written, before there is work to lose.
    ///
    /// - Throws: `CommandError` where writing would replace one of `inputs`, symbolic links followed.
    func checkReplacesNone(of inputs: [URL]) throws {
        guard inputs.contains(where: isSameFile) else { return }
        throw CommandError(
            "\(RunFolder.shown(path)) is read and was to be written: name another file for the output")
    }

    /// Whether another path leads to the same place, symbolic links followed.
    func isSameFile(as other: URL) -> Bool {
        func file(_ url: URL) -> String { url.resolvingSymlinksInPath().standardizedFileURL.path }
        return file(self) == file(other)
    }
}

extension String {
    /// As one word of a shell's command line.
    var quotedForShell: String {
        let isPlain =
            !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0)) }
        return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }
}
