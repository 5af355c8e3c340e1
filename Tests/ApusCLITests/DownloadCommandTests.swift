import ApusCLI
import Foundation
import TestSupport
import Testing

@Suite("apus download")
struct DownloadCommandTests {
    @Test("What is not published, or not there, is told")
    func refusals() async throws {
        let other = await apus("download", "minst")
        #expect(other.status == .usage)
        #expect(other.errors.contains("found 'minst'; did you mean 'mnist'?"))
        let (server, folder) = (try LocalServer(), try TemporaryFolder())
        let missing = await apus("download", "cifar10", "--to", folder.url.path, "--from", server.url)
        #expect(missing.status == .failure)
        #expect(
            missing.errors == "apus: error: \(server.url)cifar-10-binary.tar.gz: found the status 404, "
                + "expected the file (200)\n")
    }

    private static let fashionMNIST = "/usr/share/datasets/fashion-mnist"

    @Test(
        "Files that are already there are looked at, and how to train on them is said",
        .enabled(if: FileManager.default.fileExists(atPath: fashionMNIST)))
    func found() async throws {
        // MNIST's files have the names and the sizes of Fashion-MNIST's; Debian has packed these anew.
        let (server, folder) = (try LocalServer(), try TemporaryFolder())
        for name in try FileManager.default.contentsOfDirectory(atPath: Self.fashionMNIST) {
            server.serve(try Data(contentsOf: URL(filePath: "\(Self.fashionMNIST)/\(name)")), as: name)
        }
        let line = ["download", "mnist", "--to", folder.url.path, "--from", server.url]
        let refused = await apus(line)
        #expect(refused.status == .failure && refused.errors.contains("SHA-256"))
        let unchecked = line + ["--unchecked"]
        let first = await apus(unchecked)
        #expect(first.status == .success, "\(first.errors)")
        #expect(first.output.contains("t10k-labels-idx1-ubyte.gz: fetched\n"))
        #expect(first.output.hasSuffix("Train on it with: apus train --data mnist=\(folder.url.path)\n"))
        let second = await apus(unchecked)
        #expect(second.output.contains("t10k-labels-idx1-ubyte.gz: is there already\n"))
        #expect(server.requests.count == 5)
        #expect(await apus(unchecked + ["--quiet"]).output.isEmpty)
    }
}
