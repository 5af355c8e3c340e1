import ApusKernels

/// The last layer of a network with weights, where the outputs are a linear map of its features, and the layers that
/// make these.
///
/// Two ends are known: a `Linear`, whose features are its input; and a 1x1 `Conv2D` whose maps are averaged, as in
/// SqueezeNet, whose features are the averages of its input's maps, since averaging and a 1x1 convolution may change
/// places. A ReLU between the two keeps them from doing so wherever it cuts something off: `unrectified` shows that.
/// Dropout before it plays no part outside training.
public struct LinearHead: Sendable {
    /// What makes the features, `[weight.shape[1]]`, of an image.
    public let features: Sequential
    /// Where a ReLU follows the head, all layers up to it, which give the maps that it cuts off below 0.
    public let unrectified: Sequential?
    /// `[outputs, inputs]` or `[outputs, inputs, 1, 1]`.
    public let weight: Parameter
    public let bias: Parameter?

    public var inputs: Int { weight.shape[1] }
    public var outputs: Int { weight.shape[0] }

    /// - Throws: `LinearHeadError` where the network ends in something else.
    public init(of network: Network) throws(LinearHeadError) {
        guard let model = network.model as? Sequential, let cut = Cut(model.layers) else {
            throw LinearHeadError(found: LinearHead.kinds(network.model).suffix(4).joined(separator: ", "))
        }
        guard !cut.features.isEmpty else {
            throw LinearHeadError(found: "that layer alone, and no features before it")
        }
        features = Sequential(cut.features)
        unrectified = cut.unrectified.map { Sequential($0) }
        // Nothing after the head has parameters.
        let last = network.parameters.suffix(cut.hasBias ? 2 : 1)
        weight = last[last.startIndex]
        bias = cut.hasBias ? last[last.startIndex + 1] : nil
    }

    private static func kinds(_ layer: any Layer) -> [String] {
        (layer as? Sequential)?.layers.flatMap { kinds($0.layer) } ?? [layer.kind]
    }

    /// Layers, cut before the head that they end in.
    private struct Cut {
        var features: [NamedLayer]
        var unrectified: [NamedLayer]?
        var hasBias: Bool

        init?(_ layers: [NamedLayer]) {
            guard let last = layers.last else { return nil }
            let before = Array(layers.dropLast())
            switch last.layer {
            case let linear as Linear:
                (features, unrectified, hasBias) = (before, nil, linear.hasBias)
            case let inner as Sequential:
                guard let cut = Cut(inner.layers) else { return nil }
                func nested(_ layers: [NamedLayer]) -> [NamedLayer] {
                    layers.isEmpty
                        ? before
                        : before + [
                            NamedLayer(
                                name: last.name, layer: Sequential(layers), isUnnamed: last.isUnnamed)
                        ]
                }
                (features, unrectified) = (nested(cut.features), cut.unrectified.map(nested))
                hasBias = cut.hasBias
            case is GlobalAveragePool2D:
                let isRectified = before.last?.layer is ReLU
                let layers = isRectified ? Array(before.dropLast()) : before
                guard let convolution = layers.last?.layer as? Conv2D, convolution.mapsPixels else {
                    return nil
                }
                // The place of the pool in its container, so that it has no other layer's name.
                features = layers.dropLast() + [last]
                unrectified = isRectified ? layers : nil
                hasBias = convolution.hasBias
            default: return nil
            }
        }
    }
}

extension Conv2D {
    /// Whether an output pixel is a linear map of the input pixel in its place.
    fileprivate var mapsPixels: Bool {
        let isUnpadded: Bool =
            switch padding {
            case .same: true
            case .explicit(let height, let width): height == 0 && width == 0
            }
        return isUnpadded && kernelSize == Extent(1) && stride == Extent(1) && groups == 1 && !rectifies
    }
}

extension Network {
    /// A network of some of this one's layers, with a copy of their parameters, found by their names.
    ///
    /// - Throws: `PlanningError` where the layers do not fit the input, `ParameterError` where one is not of this network,
    ///   `AllocationError` where memory runs out.
    public func part(_ layers: any Layer) throws -> Network {
        let part = try Network(layers, input: input, layout: layout, backend: backend)
        for parameter in part.parameters {
            try part.setValues(values(of: self.parameter(named: parameter.name)), of: parameter)
        }
        return part
    }
}

/// A network that does not end in a linear map of features.
public struct LinearHeadError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The last layers.
    public let found: String

    public var description: String {
        "the network ends in \(found); expected a Linear, or a 1x1 convolution, perhaps a ReLU, and a global average, "
            + "and layers before it"
    }
}
