import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite(
    "apus train, killed or without room", .serialized,
    .enabled(if: ApusProcess.program != nil, "apus is not built"))
struct KilledRunTests {
    /// A second or two, with all that a checkpoint can hold.
    private static let run =
        "--data synthetic=600 --epochs 8 --batch-size 5 --accumulate 4 --optimizer adam --ema 0.99 "
        + "--class-weights balanced --patience 7 --save-every 5 --keep 3 --threads 2"

    /// What is left of a run when nothing of the clock is looked at.
    private struct Remains: Equatable {
        var bits: [String: [UInt32]]
        var history: [EpochRecord]
        var progress: TrainingProgress?
        var settings: [String: String]?

        init(_ file: URL) throws {
            let checkpoint = try Checkpoint(contentsOf: file)
            bits = checkpoint.bits
            history = checkpoint.history.map { record in
                var record = record
                (record.seconds, record.imagesPerSecond) = (0, 0)
                return record
            }
            progress = checkpoint.progress
            settings = checkpoint.settings
        }
    }

    private func files(_ folder: RunFolder) throws -> [String] {
        let all = try #require(FileManager.default.enumerator(atPath: folder.path))
        // A process has a file of events of its own.
        return all.compactMap { $0 as? String }.filter { !$0.hasPrefix("events.") }.sorted()
    }

    @Test(
        "A run that is killed again and again, at any moment, ends with the bits of one that was left alone")
    func kills() throws {
        try withTemporaryDirectory { directory in
            func train(_ arguments: String, _ name: String) throws -> ApusProcess {
                try ApusProcess(shell: "exec $APUS train \(arguments) --output \(name)", in: directory)
            }
            #expect(try train(Self.run, "whole").finish().status == 0)
            let whole = RunFolder(at: directory.appending(path: "whole"))
            let folder = RunFolder(at: directory.appending(path: "killed"))

            var generator = SplitMix64(seed: 7)
            var microseconds = 100_000
            var places: [Int] = []
            var outcome: (status: Int32, output: String, errors: String)
            repeat {
                let canGoOn = FileManager.default.fileExists(atPath: folder.checkpoint.path)
                let process = try train(canGoOn ? "--resume" : Self.run, "killed")
                let isLast = places.count >= 30
                if !isLast {
                    usleep(UInt32.random(in: 0..<UInt32(microseconds), using: &generator))
                    process.signal(SIGKILL)
                }
                outcome = process.finish()
                guard outcome.status == -SIGKILL else { break }
                let step = try? Checkpoint(contentsOf: folder.checkpoint).progress?.step
                #expect((step != nil) == FileManager.default.fileExists(atPath: folder.checkpoint.path))
                let place = step ?? -1
                // On a machine that is busy with other things a run needs longer to get anywhere.
                if place == places.last { microseconds = min(2 * microseconds, 30_000_000) }
                places.append(place)
            } while true
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(Set(places).count >= 5, "killed at steps \(places)")
            #expect(places == places.sorted(), "steps were lost: \(places)")

            #expect(try files(folder) == files(whole))
            let checkpoints = try files(whole).filter { $0.hasSuffix(".apus") }
            #expect(checkpoints.count == 2 + 3)
            for name in checkpoints {
                let found = try Remains(folder.url.appending(path: name))
                #expect(try found == Remains(whole.url.appending(path: name)), "\(name)")
            }
            let log = try String(contentsOf: folder.log, encoding: .utf8)
            #expect(log.split(separator: "\n").count == 8)
        }
    }

    private static let canMountDisks = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "unshare -Urm mount -t tmpfs none /mnt 2>/dev/null"]
        return (try? process.run()).map {
            process.waitUntilExit()
            return process.terminationStatus == 0
        } ?? false
    }()

    @Test(
        "On a disk that fills up the error says so, and the checkpoints there are stay whole",
        .enabled(if: canMountDisks, "disks cannot be mounted here"))
    func fullDisk() throws {
        try withTemporaryDirectory { directory in
            // Three checkpoints of 990 kB fit beside the one that is being written, and not a fourth.
            let script = """
                mkdir disk && mount -t tmpfs -o size=4500k none disk || exit 99
                $APUS train \(Self.run) --output disk/run
                status=$?
                cp -r disk/run run
                exit $status
                """
            let quoted = script.replacing("'", with: "'\\''")
            let outcome = try ApusProcess(shell: "exec unshare -Urm sh -c '\(quoted)'", in: directory)
                .finish()
            #expect(outcome.status == 1)
            #expect(outcome.errors.hasPrefix("apus: error: cannot write "))
            #expect(outcome.errors.contains("No space left on device"))
            #expect(outcome.errors.contains("checkpoint.apus holds the run as it was after "))
            #expect(outcome.errors.contains("train --resume --output disk/run\n"))
            #expect(outcome.errors.split(separator: "\n").count == 1)

            let folder = RunFolder(at: directory.appending(path: "run"))
            let checkpoints = try files(folder).filter { $0.hasSuffix(".apus") }
            #expect(checkpoints.contains("checkpoint.apus") && checkpoints.count >= 3)
            for name in checkpoints { _ = try Remains(folder.url.appending(path: name)) }
            #expect(try !files(folder).contains { $0.hasSuffix(".partial") })

            // Where there is room again, the run goes on.
            let resumed = try ApusProcess(shell: "exec $APUS train --resume --output run", in: directory)
            #expect(resumed.finish().status == 0)
            #expect(folder.keptEpochs == [6, 7, 8])
        }
    }

    @Test("Where a checkpoint within an epoch finds no room, the one before it stays whole")
    func limitedFile() throws {
        try withTemporaryDirectory { directory in
            let first = try ApusProcess(shell: "exec $APUS train \(Self.run) --output run", in: directory)
            let folder = RunFolder(at: directory.appending(path: "run"))
            while !FileManager.default.fileExists(atPath: folder.checkpoint.path) { usleep(1000) }
            first.signal(SIGKILL)
            _ = first.finish()
            let before = try Data(contentsOf: folder.checkpoint)
            let second = try ApusProcess(
                shell: "trap '' XFSZ; ulimit -f 100; exec $APUS train --resume --save-every 1 --output run",
                in: directory)
            let outcome = second.finish()
            #expect(outcome.status == 1)
            #expect(outcome.errors.hasPrefix("apus: error: cannot write "))
            #expect(try Data(contentsOf: folder.checkpoint) == before)
        }
    }
}
