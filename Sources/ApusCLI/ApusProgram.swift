import ApusFormats
import ApusKernels
import Foundation

/// The `apus` program.
public enum ApusProgram {
    public static let version = "0.1.0"

    package static let program = Program(
        name: "apus",
        abstract: "Trains convolutional networks on the CPU, and says how good they are and what they cost.",
        version: version,
        commands: [
            TrainCommand.self, FitHeadCommand.self, CompressCommand.self, EvaluateCommand.self,
            PredictCommand.self, ExplainCommand.self, ExportCommand.self, ReportCommand.self, RunCommand.self,
            SummaryCommand.self, ProfileCommand.self, PreviewCommand.self, InspectCommand.self,
            CompareCommand.self, ConvertCommand.self, DownloadCommand.self, DoctorCommand.self,
        ])

    /// Runs the program on the process's own arguments, and ends the process.
    public static func main() -> Never {
        openClosedDescriptors()
        CoreSelection.restartWithBetterCore()
        // A closed pipe is an error of `write` like others, and no sudden death.
        signal(SIGPIPE, SIG_IGN)
        StopSignal.unblock()
        let status = run(Array(CommandLine.arguments.dropFirst()), on: .standard())
        exit(status.rawValue)
    }

    /// Gives standard input, output and errors something to lead to where the caller has closed them: a
    /// checkpoint that came by their number would be written to.
    private static func openClosedDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest number that is free is the one in hand.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Runs a command line, without the program's name.
    package static func run(_ arguments: [String], on console: Console) -> ExitCode {
        let status: ExitCode
        do {
            switch try program.parse(arguments, columns: console.columns) {
            case .show(let text):
                console.write(text)
                status = .success
            case .run(let command):
                status = try command.run(on: console)
            }
        } catch let error as UsageError {
            console.complain(program.explain(error, for: arguments))
            return .usage
        } catch {
            return fail("\(error)", on: console)
        }
        guard let failure = console.outputFailure else { return status }
        return failure.code == EPIPE ? .brokenPipe : fail("\(failure)", on: console)
    }

    private static func fail(_ message: String, on console: Console) -> ExitCode {
        let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        console.complain("\(program.name): error: \(line.printable)\n")
        return .failure
    }
}

/// A command that could not do what it was asked to.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
