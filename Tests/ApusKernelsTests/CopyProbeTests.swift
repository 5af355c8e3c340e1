import ApusKernels
import Testing

@Suite("Copies of memory")
struct CopyProbeTests {
    @Test("count what all threads read and write", arguments: [1, 2, 3])
    func bytes(threads: Int) throws {
        let workers = Workers(count: threads)
        // As often as makes a job of 256 MiB, or once.
        #expect(try CopyProbe(bytes: 64 << 20, on: workers).bytesOfRun == threads * 256 << 20)
        #expect(try CopyProbe(bytes: 32 << 10, on: workers).bytesOfRun == threads * 256 << 20)
        // Whole floats, half of them to be read.
        #expect(try CopyProbe(bytes: 300_000_003, on: workers).bytesOfRun == threads * 300_000_000)
    }

    @Test("have a rate")
    func rate() throws {
        #expect(try Machine.measureCopy(within: 32 << 10, seconds: 0.01, on: Workers(count: 2)) > 0)
    }
}
