import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

@Suite struct ConcatTests {
    private let shape = Shape(height: 6, width: 4, channels: 3)

    @Test(arguments: Layout.allCases)
    func branchesWriteTheirChannelsAndTheirGradientsAddUp(layout: Layout) throws {
        let model = Sequential {
            Conv2D(3, 4, kernel: 1)
            Concat {
                Conv2D(4, 2, kernel: 1)
                Sequential {
                    Conv2D(4, 3, kernel: 3, padding: 1)
                    ReLU()
                }
                Tanh()
                Scale(4)
            }
            Conv2D(13, 2, kernel: 2)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            let y = x.convolved(p, "0")
            var scaled = y
            for place in y.values.indices {
                let channel = place / 24 % 4
                scaled.values[place] =
                    p["1.3.weight"].values[channel] * y.values[place] + p["1.3.bias"].values[channel]
            }
            return y.convolved(p, "1.0")
                .concatenated(y.convolved(p, "1.1.0", ReferenceConvolution(padding: 1)).activated(.relu))
                .concatenated(y.activated(.tanh)).concatenated(scaled)
                .convolved(p, "2")
        }
    }

    /// Each pooling stands once in front, where it writes the input's gradient, and once behind, where it
    /// adds.
    @Test(arguments: Layout.allCases)
    func poolingsWriteAndAddTheirGradients(layout: Layout) throws {
        let model = Concat {
            MaxPool2D(kernelSize: 2)
            AveragePool2D(kernelSize: 2)
            MaxPool2D(kernelSize: 2)
        }
        try expectGradients(of: model, input: shape, layout: layout) { _, x in
            let maximum = ReferencePooling(kernel: 2).maximum(x).output
            return maximum.concatenated(ReferencePooling(kernel: 2).average(x)).concatenated(maximum)
        }
    }

    /// The Fire module of SqueezeNet, nested, followed by an activation.
    @Test(arguments: Layout.allCases)
    func nestedConcatsSliceSlices(layout: Layout) throws {
        let model = Sequential {
            Concat {
                Conv2D(3, 2, kernel: 1)
                Concat {
                    Sequential {
                        Conv2D(3, 3, kernel: 1)
                        Tanh()
                    }
                    Concat { Conv2D(3, 2, kernel: 3, padding: 1) }
                    ReLU()
                }
            }
            ReLU()
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0.0").concatenated(x.convolved(p, "0.1.0.0").activated(.tanh))
                .concatenated(x.convolved(p, "0.1.1.0", ReferenceConvolution(padding: 1)))
                .concatenated(x.activated(.relu)).activated(.relu)
        }
    }

    /// The first branch must not run its activation over the input, which the others read.
    @Test(arguments: Layout.allCases)
    func vectorsAreConcatenated(layout: Layout) throws {
        let model = Sequential {
            Concat {
                Sequential {
                    Flatten()
                    Tanh()
                    Linear(72, 3)
                    Sigmoid()
                }
                Flatten()
                Sequential {
                    AveragePool2D(kernelSize: 4, stride: 2)
                    Flatten()
                }
            }
            Linear(81, 2)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.flattened.activated(.tanh).linear(p, "0.0.2").activated(.sigmoid).concatenated(x.flattened)
                .concatenated(ReferencePooling(kernel: 4, stride: 2).average(x).flattened).linear(p, "1")
        }
    }
}
