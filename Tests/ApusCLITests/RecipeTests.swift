import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train --recipe")
struct RecipeTests {
    /// The settings that a run with these options keeps.
    private func settings(_ options: String...) async throws -> [String: String] {
        try await withTemporaryDirectory { directory in
            let line = ["train", "--quiet", "--data=synthetic=20", "--epochs=1", "--output", directory.path]
            let outcome = await apus(line + options)
            #expect(outcome.status == .success, "\(outcome.errors)")
            return try #require(try Checkpoint(contentsOf: RunFolder(at: directory).checkpoint).settings)
        }
    }

    @Test("The settings are kept as if they had been typed")
    func kept() async throws {
        let squeezeNet = try await settings("--recipe=squeezenet")
        for (name, value) in [
            "optimizer": "sgd", "learning-rate": "0.04", "momentum": "0.9", "weight-decay": "0.0002",
            "schedule": "linear", "batch-size": "512", "epochs": "1",
        ] {
            #expect(squeezeNet[name] == value, "\(name)")
        }
        #expect(squeezeNet["recipe"] == nil)
    }

    @Test("LeNet-5's are the defaults")
    func defaults() async throws {
        let recipe = try await settings("--recipe=lenet5")
        #expect(try await recipe == settings())
    }

    @Test("LeNet-5's fast one has Nesterov's momentum, smooth targets and epochs of its own")
    func fast() async throws {
        let fast = try await settings("--recipe=lenet5-fast")
        let expected = TrainingConfiguration.leNet5Fast()
        let sgd = try #require(expected.optimizer as? SGD)
        for (name, value) in [
            "optimizer": "sgd", "learning-rate": "\(sgd.learningRate)", "momentum": "\(sgd.momentum)",
            "nesterov": "true", "weight-decay": "\(sgd.weightDecay)", "label-smoothing": "0.05",
            "batch-size": "\(expected.batchSize)", "schedule": "one-cycle", "epochs": "1",
        ] {
            #expect(fast[name] == value, "\(name)")
        }
        let squared = try await settings("--recipe=lenet5-fast", "--loss=mean-squared-error")
        #expect(squared["label-smoothing"] == nil && squared["nesterov"] == "true")
        try await withTemporaryDirectory { directory in
            let line = ["train", "--quiet", "--data=synthetic=20", "--output", directory.path]
            #expect(await apus(line + ["--recipe=lenet5-fast"]).status == .success)
            let checkpoint = try Checkpoint(contentsOf: RunFolder(at: directory).checkpoint)
            #expect(checkpoint.settings?["epochs"] == "\(expected.epochs)")
        }
    }

    @Test("What is given wins; another optimiser has its own settings, not the recipe's")
    func given() async throws {
        let sgd = try await settings("--recipe=squeezenet", "--batch-size=7", "--momentum=0.5")
        #expect(sgd["batch-size"] == "7" && sgd["momentum"] == "0.5" && sgd["learning-rate"] == "0.04")
        let adam = try await settings("--optimizer=adam", "--recipe=squeezenet")
        #expect(adam["learning-rate"] == "0.001" && adam["momentum"] == nil)
        #expect(adam["schedule"] == "linear" && adam["batch-size"] == "512")
    }

    @Test("A run that is taken up must have been started with what the recipe says")
    func resume() async throws {
        try await withTemporaryDirectory { directory in
            let line = ["train", "--quiet", "--data=synthetic=20", "--epochs=1", "--output", directory.path]
            #expect(await apus(line + ["--recipe=squeezenet"]).status == .success)
            #expect(await apus(line + ["--resume"]).status == .success)
            #expect(await apus(line + ["--resume", "--recipe=squeezenet"]).status == .success)
            let other = await apus(line + ["--resume", "--recipe=lenet5"])
            #expect(other.status == .usage)
            #expect(other.errors.contains("--batch-size 64 contradicts"), "\(other.errors)")
        }
    }

    @Test("The help says what the recipes are")
    func help() async {
        let words = await apus("train", "--help").output.split(whereSeparator: \.isWhitespace)
        #expect(
            words.joined(separator: " ").contains(
                "squeezenet is batch-size 512, learning-rate 0.04, momentum 0.9, optimizer sgd, "
                    + "schedule linear, weight-decay 0.0002."))
    }
}
