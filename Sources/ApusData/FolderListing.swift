import ApusFormats
import Foundation

/// What is in folders, in order, but what is hidden.
enum FolderListing {
    private static let imageEndings: Set = ["jpg", "jpeg", "png"]

    /// - Throws: `FileError` where the folder cannot be read.
    static func names(in path: String) throws -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw FileError(
                path: path, operation: .read, code: access(path, R_OK | X_OK) == 0 ? EIO : errno)
        }
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    /// The names of the folders in a folder.
    static func folders(in path: String) throws -> [String] {
        try names(in: path).filter { isFolder("\(path)/\($0)") }
    }

    /// The names of the files in a folder that are images by their names.
    static func images(in path: String) throws -> [String] {
        try names(in: path).filter {
            imageEndings.contains(($0 as NSString).pathExtension.lowercased())
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }
}
