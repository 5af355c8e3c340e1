import ApusKernels
import ApusNN

// SqueezeNet: Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, 2016, "SqueezeNet: AlexNet-level accuracy with
// 50x fewer parameters and <0.5MB model size", arXiv 1602.07360.

/// SqueezeNet 1.0, the paper's: fire modules between pools, and no fully connected layer.
///
/// 1,248,424 parameters for a thousand classes. Shapes, names and initialisation are torchvision's
/// `squeezenet1_0`.
///
/// **Deviations** from the paper, torchvision's too: the first convolution is 7x7 with stride 2 on images
/// of 224x224 without padding, and gives 109x109 maps; the paper's table says 111x111.
public struct SqueezeNet1_0: Model {
    public static let name = "squeezenet1_0"
    public static let input = Shape(height: 224, width: 224, channels: 3)
    public static let layout = Layout.channelsLast
    public static let defaultClasses = 1000
    public let classes: Int
    public let bypass: SqueezeNetBypass

    public init(classes: Int = 1000) { self.init(classes: classes, bypass: .none) }

    public init(classes: Int = 1000, bypass: SqueezeNetBypass) {
        self.classes = classes
        self.bypass = bypass
    }

    public static func variants(classes: Int) -> [SqueezeNet1_0] {
        SqueezeNetBypass.allCases.map { SqueezeNet1_0(classes: classes, bypass: $0) }
    }

    public var variantName: String { Self.name + bypass.suffix }

    public var layers: Sequential {
        let fire = FireModules(bypass: bypass)
        return squeezeNet(classes: classes) {
            convolution(3, 96, kernel: 7, stride: 2)
            ReLU()
            MaxPool2D(kernelSize: 3, stride: 2, roundsUp: true)
            fire(96, squeeze: 16, expand: 64)
            fire(128, squeeze: 16, expand: 64)
            fire(128, squeeze: 32, expand: 128)
            MaxPool2D(kernelSize: 3, stride: 2, roundsUp: true)
            fire(256, squeeze: 32, expand: 128)
            fire(256, squeeze: 48, expand: 192)
            fire(384, squeeze: 48, expand: 192)
            fire(384, squeeze: 64, expand: 256)
            MaxPool2D(kernelSize: 3, stride: 2, roundsUp: true)
            fire(512, squeeze: 64, expand: 256)
        }
    }
}

/// SqueezeNet 1.1, of the paper's authors: as accurate as 1.0 with 2.4 times less arithmetic, for its first
/// convolution is smaller and its pools come earlier.
///
/// 1,235,496 parameters for a thousand classes. Shapes, names and initialisation are torchvision's
/// `squeezenet1_1`.
public struct SqueezeNet1_1: Model {
    public static let name = "squeezenet1_1"
    public static let input = Shape(height: 224, width: 224, channels: 3)
    public static let layout = Layout.channelsLast
    public static let defaultClasses = 1000
    public let classes: Int
    public let bypass: SqueezeNetBypass

    public init(classes: Int = 1000) { self.init(classes: classes, bypass: .none) }

    public init(classes: Int = 1000, bypass: SqueezeNetBypass) {
        self.classes = classes
        self.bypass = bypass
    }

    public static func variants(classes: Int) -> [SqueezeNet1_1] {
        SqueezeNetBypass.allCases.map { SqueezeNet1_1(classes: classes, bypass: $0) }
    }

    public var variantName: String { Self.name + bypass.suffix }

    public var layers: Sequential {
        let fire = FireModules(bypass: bypass)
        return squeezeNet(classes: classes) {
            convolution(3, 64, kernel: 3, stride: 2)
            ReLU()
            MaxPool2D(kernelSize: 3, stride: 2, roundsUp: true)
            fire(64, squeeze: 16, expand: 64)
            fire(128, squeeze: 16, expand: 64)
            MaxPool2D(kernelSize: 3, stride: 2, roundsUp: true)
            fire(128, squeeze: 32, expand: 128)
            fire(256, squeeze: 32, expand: 128)
            MaxPool2D(kernelSize: 3, stride: 2, roundsUp: true)
            fire(256, squeeze: 48, expand: 192)
            fire(384, squeeze: 48, expand: 192)
            fire(384, squeeze: 64, expand: 256)
            fire(512, squeeze: 64, expand: 256)
        }
    }
}

/// The ways around fire modules that the paper tries (section 6).
public enum SqueezeNetBypass: String, Sendable, CaseIterable {
    case none
    /// The input is added to the output of every module that keeps the number of channels.
    case simple
    /// As `simple`, and by way of a 1x1 convolution around the modules that change it.
    case complex

    var suffix: String { self == .none ? "" : "-\(rawValue)-bypass" }
}

/// Fire modules with what goes around them.
private struct FireModules {
    let bypass: SqueezeNetBypass

    func callAsFunction(_ inputs: Int, squeeze: Int, expand: Int) -> any Layer {
        let fire = Fire(inputs, squeeze: squeeze, expand: expand)
        let keepsChannels = inputs == 2 * expand
        switch bypass {
        case .simple where keepsChannels, .complex where keepsChannels: return Residual(fire)
        case .complex:
            return Residual(fire, shortcut: convolution(inputs, 2 * expand, kernel: 1))
        case .none, .simple: return fire
        }
    }
}

private func convolution(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1) -> Conv2D {
    Conv2D(
        inputs, outputs, kernel: kernel, stride: stride, weightInitializer: .kaimingUniform,
        biasInitializer: .constant(0))
}

/// The features and the classifier that both versions have: a convolution to a map for each class, and its
/// average.
private func squeezeNet(classes: Int, @LayerBuilder features: () -> [NamedLayer]) -> Sequential {
    Sequential {
        Sequential(features()).named("features")
        Sequential {
            Dropout(rate: 0.5)
            Conv2D(
                512, classes, kernel: 1, weightInitializer: .normal(deviation: 0.01),
                biasInitializer: .constant(0))
            ReLU()
            GlobalAveragePool2D()
        }.named("classifier")
    }
}
