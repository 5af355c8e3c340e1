import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

/// Samples in several parts, `[samples, features]` each.
private func covariance(_ parts: [[Float]], features: Int, threads: Int = 1) throws -> Covariance {
    let sums = try CovarianceSums(features: features)
    let workers = Workers(count: threads)
    withMemory { memory in
        for part in parts {
            sums.add(
                memory.view(part).matrix(rows: part.count / features, columns: features), workers: workers)
        }
    }
    return sums.covariance
}

@Suite("Covariance") struct CovarianceTests {
    @Test(
        "Means and products of deviations are those of naive sums",
        arguments: [(1, 1), (7, 3), (64, 130), (600, 40), (257, 129)])
    func reference(samples: Int, features: Int) throws {
        let values = integers(count: samples * features, seed: 1)
        let found = try covariance([values], features: features)
        #expect(found.count == samples && found.features == features)
        let mean = (0..<features).map { feature in
            (0..<samples).reduce(0.0) { $0 + Double(values[$1 * features + feature]) } / Double(samples)
        }
        let deviations = values.enumerated().map { Double($1) - mean[$0 % features] }
        let expected = ReferenceGEMM.multiply(
            rows: features, columns: features, depth: samples, deviations, transposeA: true, deviations)
        // Products below 64 in magnitude, distances from the first sample up to 8: their sums are exact, and the
        // subtraction and the reference's own sum round to 2^-53 of samples times 64 at each step.
        let tolerance = Double(samples * samples) * 64 * 0x1p-52
        expectClose(found.mean, mean, absolute: 16 * 0x1p-52)
        expectClose(found.scatter, expected, absolute: tolerance)
        for row in 0..<features {
            for column in 0..<row {
                #expect(found.scatter[row * features + column] == found.scatter[column * features + row])
            }
        }
    }

    @Test("A feature that never changes has no variance at all, whatever its value")
    func constant() throws {
        let values = (0..<1000).flatMap { sample -> [Float] in [Float(sample % 7), -0.808_81, 1e6] }
        let found = try covariance([values], features: 3)
        for place in [1, 2, 4, 5, 8] { #expect(found.scatter[place] == 0) }
        #expect(found.mean[1] == Double(Float(-0.808_81)) && found.mean[2] == 1e6)
    }

    @Test("Any number of threads gives the same bits", arguments: [2, 3, 8])
    func threads(count: Int) throws {
        let values = uniformFloats(count: 700 * 300, seed: 2)
        #expect(
            try covariance([values], features: 300, threads: count)
                == covariance([values], features: 300))
    }

    @Test("Two covariances add up to that of all samples; one of none changes nothing")
    func sum() throws {
        let (first, second) = (
            uniformFloats(count: 30 * 5, seed: 3), uniformFloats(count: 50 * 5, seed: 4).map { $0 + 2 }
        )
        let (one, two) = try (covariance([first], features: 5), covariance([second], features: 5))
        let all = try covariance([first + second], features: 5)
        // Some 80 roundings of numbers below 9 x 80.
        expectClose((one + two).mean, all.mean, absolute: 1e-13)
        expectClose((one + two).scatter, all.scatter, absolute: 80 * 720 * 0x1p-52)
        let none = try covariance([], features: 5)
        #expect(one + none == one && none + one == one && none.count == 0)
    }
}
