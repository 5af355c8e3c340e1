import Apus
import ApusCLI
import Foundation

func fail(_ message: String, _ code: ExitCode) -> Never {
    FileHandle.standardError.write(Data("apus-benchmarks: \(message)\n".utf8))
    exit(code.rawValue)
}

#if DEBUG
    fail("built for debugging, its times mean nothing; use `make bench`", .failure)
#else
    CoreSelection.restartWithBetterCore()
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
        if !Set(arguments).isDisjoint(with: ["--help", "-h"]) {
            print(BenchmarkRun.specification.help(), terminator: "")
        } else {
            exit(try BenchmarkRun(ParsedArguments(arguments, for: BenchmarkRun.specification)).run().rawValue)
        }
    } catch let error as UsageError {
        fail("\(error)\nTry 'apus-benchmarks --help'.", .usage)
    } catch {
        fail("\(error)", .failure)
    }
#endif
