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

extension String {
    /// As one word of a shell's command line.
    var quotedForShell: String {
        let isPlain =
            !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0)) }
        return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }
}
