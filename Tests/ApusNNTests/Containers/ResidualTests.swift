import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct ResidualTests {
    private let shape = Shape(height: 5, width: 4, channels: 3)

    @Test(arguments: Layout.allCases)
    func theIdentityIsAddedToTheBody(layout: Layout) throws {
        let model = Sequential {
            Residual {
                Conv2D(3, 4, kernel: 3, padding: 1)
                ReLU()
                Conv2D(4, 3, kernel: 1)
            }
            ReLU()
            Residual { Conv2D(3, 3, kernel: 1) }
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            let y = x.convolved(p, "0.0", ReferenceConvolution(padding: 1)).activated(.relu)
                .convolved(p, "0.2").adding(x).activated(.relu)
            return y.convolved(p, "2.0").adding(y)
        }
    }

    /// The activation's backward reads the body's own output, not the sum.
    @Test(arguments: Layout.allCases)
    func aBodyAndAShortcutMayEndInActivations(layout: Layout) throws {
        let shortcut = Sequential {
            Conv2D(3, 2, kernel: 1, stride: 2)
            Tanh()
        }
        let model = Sequential {
            Residual(shortcut: shortcut) {
                Conv2D(3, 2, kernel: 3, stride: 2, padding: 1)
                ReLU()
            }
            Tanh()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0.0", ReferenceConvolution(stride: 2, padding: 1)).activated(.relu)
                .adding(x.convolved(p, "0.shortcut.0", ReferenceConvolution(stride: 2)).activated(.tanh))
                .activated(.tanh)
        }
    }

    @Test(arguments: Layout.allCases)
    func aResidualWorksInsideAConcatAndAroundOne(layout: Layout) throws {
        let model = Residual {
            Concat {
                Conv2D(3, 1, kernel: 1)
                Sequential {
                    Residual { Sigmoid() }
                    Conv2D(3, 2, kernel: 1)
                }
            }
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0.0")
                .concatenated(x.activated(.sigmoid).adding(x).convolved(p, "0.1.1")).adding(x)
        }
    }

    @Test(arguments: Layout.allCases)
    func aBareActivationIsABody(layout: Layout) throws {
        let model = Sequential { Residual(shortcut: Tanh()) { ReLU() } }
        try expectGradients(of: model, input: shape, layout: layout) { _, x in
            x.activated(.relu).adding(x.activated(.tanh))
        }
    }
}
