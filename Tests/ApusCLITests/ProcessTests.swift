import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus as a process", .serialized, .enabled(if: ApusProcess.program != nil, "apus is not built"))
struct ProcessTests {
    /// Options of a run that takes a second or two.
    private static let run =
        "--data synthetic=600 --epochs 30 --batch-size 20 --learning-rate 0.01 --threads 2"

    /// Waits until a run has `count` epochs in its log.
    private func waitForEpochs(_ count: Int, in folder: RunFolder) {
        // Blocks its thread: a task could be kept waiting until the run has ended.
        for _ in 0..<5000 {
            let log = (try? String(contentsOf: folder.log, encoding: .utf8)) ?? ""
            if log.split(separator: "\n").count >= count { return }
            usleep(2000)
        }
        Issue.record("\(count) epochs were not logged in ten seconds")
    }

    @Test("A run that a signal has stopped goes on, to the bits of one that was left alone")
    func signals() throws {
        try withTemporaryDirectory { directory in
            let whole = RunFolder(at: directory.appending(path: "whole"))
            let run = try ApusProcess(shell: "exec $APUS train \(Self.run) --output whole", in: directory)
            #expect(run.finish().status == 0)

            for (name, number) in [("interrupt", SIGINT), ("terminate", SIGTERM), ("hang-up", SIGHUP)] {
                let folder = RunFolder(at: directory.appending(path: name))
                let first = try ApusProcess(
                    shell: "exec $APUS train \(Self.run) --output \(name)", in: directory)
                waitForEpochs(2, in: folder)
                // Again and again, as an impatient hand does.
                for _ in 0..<20 { first.signal(number) }
                let stopped = first.finish()
                #expect(stopped.status == 130, "\(name)")
                #expect(stopped.errors == "stopping after this step and saving...\n")
                let program = try #require(ApusProcess.program?.path)
                #expect(stopped.output.contains("\(program) train --resume --output \(name)\n"))
                #expect(stopped.output.contains("Stopped after "))
                let saved = try #require(try Checkpoint(contentsOf: folder.checkpoint).progress)
                #expect((2..<30).contains(saved.epoch))

                let second = try ApusProcess(
                    shell: "exec $APUS train --resume --output \(name) --threads 1", in: directory)
                #expect(second.finish().status == 0)
                #expect(try folder.bits == whole.bits, "\(name)")
                let log = try String(contentsOf: folder.log, encoding: .utf8)
                #expect(log.split(separator: "\n").count == 30)
                #expect(try folder.files == whole.files)
            }
        }
    }

    @Test("Where the disk is full the error says so, and the old checkpoint stays whole")
    func fullDisk() throws {
        try withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory.appending(path: "run"))
            let first = try ApusProcess(shell: "exec $APUS train \(Self.run) --output run", in: directory)
            waitForEpochs(1, in: folder)
            first.signal(SIGINT)
            #expect(first.finish().status == 130)
            let before = try Data(contentsOf: folder.checkpoint)

            // A limit on the size of files stands in for a full disk.
            let second = try ApusProcess(
                shell: "trap '' XFSZ; ulimit -f 100; exec $APUS train --resume --output run", in: directory)
            let outcome = second.finish()
            #expect(outcome.status == 1)
            #expect(outcome.errors.hasPrefix("apus: error: cannot write "))
            #expect(outcome.errors.contains("checkpoint.apus holds the run as it was after "))
            #expect(outcome.errors.contains("train --resume --output run\n"))
            #expect(outcome.errors.split(separator: "\n").count == 1)
            #expect(try Data(contentsOf: folder.checkpoint) == before)
            #expect(
                try folder.files == [
                    "checkpoint-best.apus", "checkpoint.apus", "log.csv", "log.jsonl", "report.html",
                ])
        }
    }

    @Test("Exit codes tell success, failure and wrong usage apart, and errors go to standard error")
    func exitCodes() throws {
        try withTemporaryDirectory { directory in
            for (line, status) in [
                ("--version", 0), ("summary --json", 0), ("evaluate --checkpoint none", 1),
                ("train --batch-size 0", 64), ("dance", 64),
            ] as [(String, Int32)] {
                let outcome = try ApusProcess(shell: "exec $APUS \(line)", in: directory).finish()
                #expect(outcome.status == status)
                #expect(outcome.output.isEmpty == (status != 0))
                #expect(outcome.errors.isEmpty == (status == 0))
            }
        }
    }

    @Test("A backend of the environment that is none is an error, unless the command line names one")
    func unknownBackend() throws {
        try withTemporaryDirectory { directory in
            func outcome(_ line: String) throws -> (status: Int32, output: String, errors: String) {
                try ApusProcess(shell: "export APUS_BACKEND=fast; exec $APUS \(line)", in: directory).finish()
            }
            for line in ["summary", "train", "profile", "evaluate --checkpoint none", "run -w a -i b -o c"] {
                let refused = try outcome(line)
                #expect(refused.status == 64, "\(line)")
                #expect(
                    refused.errors.contains("APUS_BACKEND in the environment must be one of gemm, vector"))
            }
            #expect(try outcome("summary --backend gemm").status == 0)
            let doctor = try outcome("doctor")
            #expect(doctor.status == 0)
            #expect(doctor.output.contains("! APUS_BACKEND in the environment names 'fast'"))

            let gemm = try ApusProcess(
                shell: "APUS_BACKEND=gemm exec $APUS summary --json", in: directory
            ).finish()
            #expect(gemm.output.contains(#""backend":"gemm""#))
        }
    }

    @Test("A reader that has had enough is no error; a run is saved first")
    func closedPipe() throws {
        try withTemporaryDirectory { directory in
            let summary = try ApusProcess(
                shell: "{ $APUS summary; echo $? >status; } | head -n 1", in: directory
            ).finish()
            #expect(summary.errors.isEmpty)
            #expect(summary.output.hasPrefix("lenet5 for images"))

            let run = try ApusProcess(
                shell: "{ $APUS train \(Self.run) --output run; echo $? >status; } | head -n 1", in: directory
            ).finish()
            #expect(run.errors.isEmpty)
            let status = try String(contentsOf: directory.appending(path: "status"), encoding: .utf8)
            #expect(status == "141\n")
            #expect(throws: Never.self) {
                try Checkpoint(contentsOf: directory.appending(path: "run/checkpoint.apus"))
            }
        }
    }

    @Test(
        "An output that takes no more is an error",
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullOutput() throws {
        try withTemporaryDirectory { directory in
            let outcome = try ApusProcess(shell: "$APUS summary >/dev/full", in: directory).finish()
            #expect(outcome.status == 1)
            #expect(outcome.errors.hasPrefix("apus: error: cannot write standard output: "))
        }
    }

    @Test("Where standard output and errors are closed, a run does not write into its own files")
    func closedDescriptors() throws {
        try withTemporaryDirectory { directory in
            let run = try ApusProcess(
                shell: "$APUS train --data synthetic=60 --epochs 1 --output run <&- >&- 2>&-; echo $?",
                in: directory
            ).finish()
            #expect(run.output == "0\n")
            #expect(throws: Never.self) {
                try Checkpoint(contentsOf: directory.appending(path: "run/checkpoint.apus"))
            }
        }
    }

    @Test("A restart for better kernels happens once at most, and changes nothing else")
    func restart() throws {
        try withTemporaryDirectory { directory in
            let outcome = try ApusProcess(
                shell: "unset OPENBLAS_CORETYPE; exec $APUS doctor --json", in: directory
            ).finish()
            #expect(outcome.status == 0)
            let report = try JSONDecoder().decode(MachineReport.self, from: Data(outcome.output.utf8))
            #expect(report.openBLAS.betterCore == nil)
            #expect(!report.openBLAS.isChosenByUser)
            #expect(report.openBLAS.replacedCore != report.openBLAS.core)
        }
    }
}

extension RunFolder {
    /// The bits of the last and of the best checkpoint.
    fileprivate var bits: [[String: [UInt32]]] {
        get throws { try [checkpoint, bestCheckpoint].map { try Checkpoint(contentsOf: $0).bits } }
    }

    /// The names of all files.
    fileprivate var files: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: path).filter { !$0.hasPrefix("events.") }
                .sorted()
        }
    }
}
