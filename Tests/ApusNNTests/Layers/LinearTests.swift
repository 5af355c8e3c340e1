import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct LinearTests {
    @Test(arguments: Layout.allCases)
    func gradientsEqualCentralDifferences(layout: Layout) throws {
        let model = Sequential {
            Linear(17, 9)
            // The shortcut adds its input's gradient to the body's.
            Residual(shortcut: Linear(9, 5)) { Linear(inputs: 9, outputs: 5, bias: false) }
        }
        try expectGradients(of: model, input: .features(17), layout: layout, batch: 5) { p, x in
            let y = x.linear(p, "0")
            return y.linear(p, "1.0", bias: false).adding(y.linear(p, "1.shortcut"))
        }
    }

    @Test func costsAreCounted() throws {
        let network = try Network(Linear(17, 9), input: .features(17))
        #expect(network.parameterCount == 17 * 9 + 9)
        #expect(network.multiplyAdds == 17 * 9)
        #expect(network.output == .features(9))
        #expect(network.parameters.map(\.shape) == [[9, 17], [9]])
    }
}
