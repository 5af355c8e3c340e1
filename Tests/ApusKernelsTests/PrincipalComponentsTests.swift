import ApusKernels
import Testing

@Suite struct PrincipalComponentsTests {
    @Test("The directions are orthonormal, and the covariance is theirs again")
    func decomposition() throws {
        let covariance = [[0.07, 0.05, 0.02], [0.05, 0.06, 0.03], [0.02, 0.03, 0.08]]
        let components = try PrincipalComponents(covariance: covariance)
        #expect(components.variances == components.variances.sorted(by: >))
        let directions = components.directions
        for first in 0..<3 {
            #expect(directions[first].max { abs($0) < abs($1) }! > 0)
            for second in 0..<3 {
                let product = zip(directions[first], directions[second]).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product - (first == second ? 1 : 0)) < 1e-14)
                let sum = (0..<3).reduce(0.0) {
                    $0 + components.variances[$1] * directions[$1][first] * directions[$1][second]
                }
                #expect(abs(sum - covariance[first][second]) < 1e-15)
            }
        }
    }

    @Test("Numbers that vary on their own are the directions, the one that varies most first")
    func diagonal() throws {
        let components = try PrincipalComponents(covariance: [[1, 0, 0], [0, 3, 0], [0, 0, 2]])
        #expect(components.variances == [3, 2, 1])
        #expect(components.directions == [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    }

    @Test("Values that are not finite are refused")
    func refusal() {
        #expect(throws: LAPACKError.self) { try PrincipalComponents(covariance: [[1, .nan], [.nan, 1]]) }
    }
}
