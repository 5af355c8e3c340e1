import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import TestSupport
import Testing

/// The networks against PyTorch and torchvision in float64, on the same parameters, images and labels, with
/// dropout off.
///
/// PyTorch's own float32 stands by its float64 in the fixtures; its relative error is near 3e-7 for the
/// LeNets, 8e-7 for the SqueezeNets. Ours adds in another order: it may be a few times as far from the truth,
/// not more (`NetworkFixture` says how many). No rectifier and no maximum is so near a tie that this could turn it (`margin` in
/// `generate.py`).
@Suite("PyTorch parity")
struct PyTorchParityTests {
    static let cases = ["lenet5", "lenet5-1998", "lenet5-keras", "squeezenet1_0", "squeezenet1_1"]
        .flatMap { name in Layout.allCases.map { (name, $0) } }

    @Test("logits and loss are PyTorch's", arguments: cases)
    func forward(name: String, layout: Layout) throws {
        let fixture = try NetworkFixture(name, layout: layout)
        let executor = try fixture.executor()
        let outcome = executor.infer(fixture.source, count: fixture.batch, loss: SoftmaxCrossEntropy())
        let truth = try fixture.expected.tensor("logits")
        expectNormClose(
            executor.outputs.channelsFirstArray.map(Double.init), truth.values,
            tolerance: try 4 * fixture.logitsRounding())
        let loss = try fixture.expected.tensor("loss").values[0]
        #expect(abs(outcome.loss - loss) <= 1e-6 * loss)
    }

    @Test("every gradient is PyTorch's", arguments: cases)
    func gradients(name: String, layout: Layout) throws {
        let fixture = try NetworkFixture(name, layout: layout)
        let executor = try fixture.executor(keepsInputGradient: true)
        _ = executor.computeGradients(
            fixture.source, count: fixture.batch, loss: SoftmaxCrossEntropy(), phase: .evaluation)
        executor.reduceGradients()
        for parameter in fixture.network.parameters {
            try fixture.expectGradient(
                fixture.network.values(of: parameter, in: executor.gradients), parameter.name)
        }
        try fixture.expectGradient(try #require(executor.inputGradients).channelsFirstArray, "input")
    }

    @Test(
        "ten losses follow PyTorch's",
        arguments: cases.flatMap { name, layout in ["sgd", "adam"].map { (name, layout, $0) } })
    func losses(name: String, layout: Layout, method: String) throws {
        let fixture = try NetworkFixture(name, layout: layout)
        let executor = try fixture.executor()
        let optimizer = try #require(fixture.optimizers[method])
        let updater = try ParameterUpdater(executor, optimizer, clipNorm: nil)
        var losses: [Double] = []
        for step in 1...10 {
            let outcome = executor.computeGradients(
                fixture.source, count: fixture.batch, loss: SoftmaxCrossEntropy(), phase: .evaluation)
            losses.append(outcome.loss)
            updater.apply(step: step, rate: optimizer.learningRate)
        }
        let truth = try fixture.expected.tensor("losses.\(method)").values
        // Rounding grows with the steps, in PyTorch's float32 to this much.
        let rounding = worstDifference(
            try fixture.expected.tensor("float32.losses.\(method)").values, truth)!.error
        expectClose(losses, truth, absolute: 8 * max(rounding, 1e-7))
    }
}
