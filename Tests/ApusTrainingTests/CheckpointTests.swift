import ApusData
import ApusFormats
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

/// The bytes of a checkpoint after a few steps of training.
private func savedRun(_ optimizer: any Optimizer = SmallTask.optimizers[1]) throws -> Data {
    try withTemporaryDirectory { directory in
        let file = directory.appending(path: "run.apus")
        let trainer = try SmallTask.trainer(try SmallTask.data(), SmallTask.configuration(optimizer))
        try trainer.fit(onStep: { $0.step < 5 })
        try trainer.save(to: file, settings: ["epochs": "4"])
        return try Data(contentsOf: file)
    }
}

/// A file of any header and tensors, with the right sum.
private func file(version: UInt32 = 1, header: String, floats: Int = 0) -> Data {
    var bytes = Data("APUS".utf8)
    for number in [version, UInt32(header.utf8.count)] {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    bytes.append(contentsOf: header.utf8)
    bytes.append(Data(count: 4 * floats))
    withUnsafeBytes(of: CRC32.checksum(bytes).littleEndian) { bytes.append(contentsOf: $0) }
    return bytes
}

private func read(_ bytes: Data) throws -> Checkpoint {
    try withTemporaryDirectory { directory in
        let file = directory.appending(path: "file.apus")
        try bytes.write(to: file)
        return try Checkpoint(contentsOf: file)
    }
}

private func header(
    model: String = "lenet5", input: String = "[28,28,1]", more: String = "", tensors: String = "[]"
) -> String {
    """
    {"model":"\(model)","input":\(input),\(more)"classNames":["a","b"],\
    "normalization":{"mean":[0],"deviation":[1]},"tensors":\(tensors)}
    """
}

@Suite("Checkpoint")
struct CheckpointTests {
    @Test("A classifier that was saved is read with the same bits", arguments: ModelCatalog.names)
    func roundTrip(name: String) throws {
        let model = try #require(ModelCatalog.model(named: name, classes: 10))
        let classifier = try Classifier(
            modelName: name, network: try Network(model, seed: 4),
            classNames: (0..<10).map { "class \($0)" },
            normalization: Normalization(
                mean: [Double](repeating: 0.5, count: type(of: model).input.channels),
                deviation: [Double](repeating: 0.25, count: type(of: model).input.channels)))
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            try classifier.save(to: file)
            let read = try Classifier.load(from: file)
            #expect(read.modelName == name)
            #expect(read.classNames == classifier.classNames)
            #expect(read.normalization == classifier.normalization)
            #expect(read.bits == classifier.bits)
            let pixels = (0..<type(of: model).input.count).map { UInt8(truncatingIfNeeded: 7 * $0) }
            #expect(try read.predict(pixels) == classifier.predict(pixels))
        }
    }

    @Test("A run that was saved has its progress, history, settings and optimiser")
    func run() throws {
        let checkpoint = try read(try savedRun())
        #expect(checkpoint.modelName == "task")
        #expect(checkpoint.settings == ["epochs": "4"])
        #expect(checkpoint.progress?.step == 5)
        #expect(checkpoint.progress?.epoch == 1)
        #expect(checkpoint.progress?.stepInEpoch == 1)
        #expect(checkpoint.history.map(\.epoch) == [1])
        let tensors = TensorFile(checkpoint.fileTensors)
        #expect(tensors.tensors.count == 3 * 6)
        #expect(tensors["optimizer.1.conv.weight"]?.floats.contains { $0 != 0 } == true)
    }

    @Test("A flipped bit anywhere is noticed")
    func flipped() throws {
        let bytes = try savedRun()
        for position in Array(0..<40) + Array(stride(from: 40, to: bytes.count, by: 211)) + [bytes.count - 1]
        {
            var damaged = bytes
            damaged[position] ^= 1 << (position % 8)
            #expect(throws: FormatError.self, "byte \(position)") { try read(damaged) }
        }
    }

    @Test("A file cut short anywhere is noticed")
    func truncated() throws {
        let bytes = try savedRun()
        let lengths = Array(0..<40) + Array(stride(from: 40, to: bytes.count, by: 331)) + [bytes.count - 1]
        for length in lengths {
            #expect(throws: FormatError.self, "\(length) bytes") { try read(bytes.prefix(length)) }
        }
        #expect(throws: FormatError.self) { try read(bytes + [0]) }
    }

    @Test(
        "What is whole, but no checkpoint of this version, is refused by what it is",
        arguments: [
            (Data("PK\u{3}\u{4} and more than sixteen bytes".utf8), "APUS"),
            (file(version: 3, header: header()), "version 3"),
            (file(header: "{}"), "header"),
            (file(header: "not JSON"), "header"),
            (file(header: header(), floats: 1), "4 bytes"),
            (file(header: header(tensors: #"[{"name":"w","shape":[2]}]"#), floats: 1), "tensor w"),
            (file(header: header(tensors: #"[{"name":"w","shape":[-1]}]"#)), "tensor w"),
            (
                file(header: header(tensors: #"[{"name":"w","shape":[4294967296,4294967296]}]"#)),
                "tensor w"
            ),
            (file(header: header(tensors: #"[{"name":"w","shape":[9223372036854775807,0]}]"#)), "tensor w"),
            (file(header: header(tensors: #"[{"name":"w","shape":[-1,0]}]"#)), "tensor w"),
            (file(header: header(tensors: #"[{"name":"w","shape":[0,-1]}]"#)), "tensor w"),
        ])
    func foreign(bytes: Data, mention: String) throws {
        let error = try #require(throws: FormatError.self) { try read(bytes) }
        #expect("\(error)".contains(mention), "\(error)")
    }

    @Test("A tensor may have no elements, or one without a shape")
    func emptyAndScalar() throws {
        let tensors = #"[{"name":"none","shape":[3,0]},{"name":"one","shape":[]}]"#
        let checkpoint = try read(file(header: header(tensors: tensors), floats: 1))
        #expect(
            checkpoint.fileTensors == [
                FileTensor(name: "none", shape: [3, 0], floats: []),
                FileTensor(name: "one", shape: [], floats: [0]),
            ])
    }

    @Test(
        "A checkpoint of another network is refused by what is in the way",
        arguments: [
            (header(model: "resnet"), "resnet"),
            (header(), "conv1.weight"),
            (header(input: "[28,28]"), "input"),
            (header(input: "[0,28,1]"), "input"),
            (header(input: "[28,28,70000]"), "input"),
            (header(more: #""image":[28,0,1],"#), "images of [28, 0, 1]"),
        ])
    func otherNetwork(header: String, mention: String) throws {
        let checkpoint = try read(file(header: header))
        let error = try #require(throws: CheckpointError.self) { try checkpoint.classifier() }
        #expect("\(error)".contains(mention), "\(error)")
    }

    @Test("A checkpoint of a network of other widths is refused by the parameter")
    func otherWidths() throws {
        let checkpoint = try read(try savedRun())
        let error = try #require(throws: CheckpointError.self) {
            try checkpoint.classifier { SmallTask.layers(classes: $0, hidden: 13) }
        }
        #expect("\(error)".contains("hidden.weight [13, 64]"), "\(error)")
    }

    @Test("A network without a run is none to go on with")
    func noRun() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            let trainer = try SmallTask.trainer(
                try SmallTask.data(), SmallTask.configuration(SmallTask.optimizers[0]))
            try trainer.classifier.save(to: file)
            let checkpoint = try Checkpoint(contentsOf: file)
            #expect(checkpoint.progress == nil)
            #expect(throws: CheckpointError.self) { try trainer.resume(from: checkpoint) }
        }
    }

    @Test("What is no file is refused as such")
    func noFile() throws {
        try withTemporaryDirectory { directory in
            #expect(throws: FileError.self) { try Checkpoint(contentsOf: directory) }
            #expect(throws: FileError.self) { try Checkpoint(contentsOf: directory.appending(path: "none")) }
        }
    }

    @Test("A network that is no longer finite does not replace one that is")
    func notFinite() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            let trainer = try SmallTask.trainer(
                try SmallTask.data(), SmallTask.configuration(SmallTask.optimizers[0]))
            try trainer.save(to: file)
            let before = try Data(contentsOf: file)
            let network = trainer.classifier.network
            let bias = try network.parameter(named: "output.bias")
            try network.setValues([0, 0, .nan, 0, 0], of: bias)
            #expect(throws: TrainingError.self) { try trainer.save(to: file) }
            #expect(try Data(contentsOf: file) == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["run.apus"])
        }
    }
}
