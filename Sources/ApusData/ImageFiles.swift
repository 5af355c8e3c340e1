import ApusFormats
import Foundation

/// JPEG and PNG files of any sizes, of which nobody knows the classes: what is to be predicted.
package struct ImageFiles: Dataset {
    private let files: [URL]
    package let channels: Int

    /// - Parameter channels: 1 or 3, which all images become.
    package init(_ files: [URL], channels: Int) {
        self.files = files
        self.channels = channels
    }

    package var name: String { "files" }
    package var split: String { "predict" }
    package var count: Int { files.count }
    package var classNames: [String] { ["unknown"] }
    package var imageSize: ImageSize? { nil }

    package func label(of image: Int) -> Int { 0 }

    package func image(_ index: Int, atLeast size: ImageSize?) throws -> PixelImage {
        try PixelImage(contentsOf: files[index], atLeast: size).converted(toChannels: channels)
    }

    /// The files that `path` means: itself, or where it is a folder the images in it and in the folders below, in the
    /// order of their names, each path beginning as `path` does. Links to folders below are not followed.
    ///
    /// - Throws: `DataError.noImages` where it is a folder without any, `FileError` where one cannot be read.
    package static func paths(at path: String) throws -> [String] {
        guard FolderListing.isFolder(path) else { return [path] }
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let found = try paths(in: folder)
        guard !found.isEmpty else { throw DataError.noImages(dataset: path) }
        return found
    }

    private static func paths(in folder: String) throws -> [String] {
        let images = Set(try FolderListing.images(in: folder))
        return try FolderListing.names(in: folder).flatMap { name in
            let path = "\(folder)/\(name)"
            guard FolderListing.isFolder(path) else { return images.contains(name) ? [path] : [] }
            let type = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
            return type == .typeSymbolicLink ? [] : try paths(in: path)
        }
    }
}
