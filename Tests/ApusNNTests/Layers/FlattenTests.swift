import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

/// First, last, alone and in between, in all layouts.
@Suite struct FlattenTests {
    private let shape = Shape(height: 3, width: 4, channels: 5)

    @Test(arguments: Layout.allCases)
    func firstItHandsTheImageToALinear(layout: Layout) throws {
        let model = Sequential {
            Flatten()
            Linear(60, 7)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.flattened.linear(p, "1")
        }
    }

    @Test(arguments: Layout.allCases)
    func lastItGivesTheOrderOfFiles(layout: Layout) throws {
        let model = Sequential {
            Conv2D(5, 2, kernel: 2)
            Flatten()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0").flattened
        }
    }

    @Test(arguments: Layout.allCases)
    func aloneItMovesTheImage(layout: Layout) throws {
        try expectGradients(of: Flatten(), input: shape, layout: layout) { _, x in x.flattened }
        let wrapped = Sequential { Flatten() }
        try expectGradients(of: wrapped, input: shape, layout: layout) { _, x in x.flattened }
        let twice = Sequential {
            Flatten()
            Flatten()
        }
        try expectGradients(of: twice, input: shape, layout: layout) { _, x in x.flattened }
    }

    @Test(arguments: Layout.allCases)
    func activationsOnEitherSideAreNotDisturbed(layout: Layout) throws {
        let model = Sequential {
            Conv2D(5, 4, kernel: 2)
            Tanh()
            Flatten()
            ReLU()
            Flatten()
            Linear(24, 3)
            Flatten()
            Sigmoid()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0").activated(.tanh).activated(.relu).flattened.linear(p, "5")
                .activated(.sigmoid)
        }
        let first = Sequential {
            Flatten()
            Tanh()
            Linear(60, 3)
        }
        try expectGradients(of: first, input: shape, layout: layout) { p, x in
            x.flattened.activated(.tanh).linear(p, "2")
        }
    }
}
