import ApusAnalysis
import ApusKernels
import ApusModels
import ApusNN
import Testing

@Suite("Profiles against the roof")
struct ProfileReportTests {
    /// 100 GFLOP/s, and 10 GB/s whatever is held.
    private let roof = MachineRoof(
        threads: 1, gigaflopsOfOneThread: 100,
        bandwidths: [MachineRoof.Bandwidth(bytes: 1, gigabytesPerSecond: 10)])

    private func report(_ model: any Model, backend: Backend = .gemm) throws -> ProfileReport {
        let network = try Network(model, backend: backend)
        return try ProfileRun(network, of: model, batchSize: 16, threads: 1, steps: 1).report(roof: roof)
    }

    @Test("Each layer's least time follows from its operations and bytes")
    func leastTimes() throws {
        let report = try report(LeNet5())
        #expect(report.roof == roof)
        for layer in report.layers {
            for pass in [layer.forward, layer.backward].compactMap(\.self) {
                let (operations, memory) = (Double(pass.operations) / 100e9, Double(pass.bytes) / 10e9)
                #expect(abs(pass.leastSeconds - max(operations, memory)) <= 1e-15)
                #expect(pass.limit == (operations > memory ? .operations : .memory))
            }
        }
        let sum = report.layers.reduce(0) { $0 + $1.forward.leastSeconds + $1.backward!.leastSeconds }
        #expect(report.leastSeconds == sum)
    }

    @Test("The layers' parameters and multiply-adds are all of the network's")
    func sums() throws {
        for model in [LeNet5(), LeNet5Tutorial()] as [any Model] {
            let report = try report(model)
            let network = try Network(model)
            #expect(report.layers.reduce(0) { $0 + $1.parameters } == network.parameterCount)
            #expect(report.layers.reduce(0) { $0 + $1.multiplyAdds } == network.multiplyAdds)
        }
    }
}
