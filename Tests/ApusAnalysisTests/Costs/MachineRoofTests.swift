import ApusAnalysis
import ApusKernels
import ApusNN
import Testing

@Suite("The machine's roof")
struct MachineRoofTests {
    private let roof = MachineRoof(
        threads: 2, gigaflopsOfOneThread: 50,
        bandwidths: [
            MachineRoof.Bandwidth(bytes: 1000, gigabytesPerSecond: 80),
            MachineRoof.Bandwidth(bytes: 100_000, gigabytesPerSecond: 20),
        ])

    @Test("The least time is the greater of operations by the peak of all threads and bytes by the bandwidth")
    func leastTime() {
        // 100 GFLOP/s and 80 GB/s: the two are equal at 1.25 operations for each byte.
        let computing = roof.leastTime(of: PassCost(operations: 2_000_000, bytes: 1_000_000), footprint: 1000)
        #expect(computing == (2e-5, .operations))
        let copying = roof.leastTime(of: PassCost(operations: 1_000_000, bytes: 1_000_000), footprint: 1000)
        #expect(copying == (1.25e-5, .memory))
    }

    @Test("The bandwidth is that of the nearest memory that holds what a thread touches, or else of the last")
    func bandwidth() {
        #expect(roof.gigabytesPerSecond(holding: 0) == 80 && roof.gigabytesPerSecond(holding: 1000) == 80)
        #expect(roof.gigabytesPerSecond(holding: 1001) == 20)
        #expect(roof.gigabytesPerSecond(holding: 1 << 40) == 20)
    }

    @Test("A measured roof has a bandwidth for each memory, in rising order, and all threads")
    func measured() throws {
        let roof = try MachineRoof.measured(on: Workers(count: 2))
        #expect(roof.threads == 2 && roof.gigaflops == 2 * roof.gigaflopsOfOneThread)
        #expect(roof.bandwidths.map(\.bytes) == MachineRoof.copiedBytes(threads: 2))
        #expect(roof.bandwidths.map(\.bytes) == roof.bandwidths.map(\.bytes).sorted())
        #expect(roof.gigaflopsOfOneThread > 0 && roof.bandwidths.allSatisfy { $0.gigabytesPerSecond > 0 })
    }

    @Test(
        "However many threads copy, all of them together take no more than about a gigabyte",
        arguments: [1, 8, 64])
    func memory(threads: Int) {
        let bytes = MachineRoof.copiedBytes(threads: threads)
        #expect(threads * bytes[3] <= 1 << 30 && bytes[3] >= 16 << 20)
    }
}
