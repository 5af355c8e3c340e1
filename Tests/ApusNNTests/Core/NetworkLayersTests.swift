import ApusKernels
import ApusNN
import Testing

@Suite("A network's layers")
struct NetworkLayersTests {
    @Test("Those with a name come each before those inside it; what has none is left out")
    func named() throws {
        let network = try Network(
            Sequential {
                Conv2D(1, 4, kernel: 3).named("conv")
                Sequential {
                    Fire(4, squeeze: 2, expand: 3).named("fire")
                    Dropout(rate: 0.5)
                }.named("body")
                Sequential { GlobalAveragePool2D().named("average") }.unnamed
            }, input: Shape(height: 8, width: 8, channels: 1))
        #expect(
            network.namedLayers.map(\.path) == [
                "conv", "body", "body.fire", "body.fire.squeeze", "body.fire.squeeze_activation",
                "body.fire.expand1x1", "body.fire.expand1x1_activation", "body.fire.expand3x3",
                "body.fire.expand3x3_activation", "body.1", "average",
            ])
    }
}
