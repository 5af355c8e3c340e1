import ApusKernels
import ApusNN

/// LeNet-5 as it is taught today: two convolutions and three fully connected layers.
///
/// LeCun, Bottou, Bengio and Haffner, 1998, "Gradient-based learning applied to document recognition".
/// 61,706 parameters and 416,520 multiply-adds for ten classes and 28x28x1 images.
///
/// **Deviations** from the paper: ReLU for scaled tanh, maxima for trained averages, every map of the third
/// layer sees every map of the second (the paper leaves some out), logits for distances to prototypes.
/// `LeNet5Original` is nearer to it.
public struct LeNet5: Model {
    public static let name = "lenet5"
    public static let input = Shape(height: 28, width: 28, channels: 1)
    public static let layout = Layout.imagesLast
    public let classes: Int

    public init(classes: Int = 10) { self.classes = classes }

    public var layers: Sequential {
        Sequential {
            Conv2D(1, 6, kernel: 5, padding: 2).named("conv1")
            ReLU().named("relu1")
            MaxPool2D(kernelSize: 2).named("pool1")
            Conv2D(6, 16, kernel: 5).named("conv2")
            ReLU().named("relu2")
            MaxPool2D(kernelSize: 2).named("pool2")
            Flatten().named("flatten")
            Linear(400, 120).named("fc1")
            ReLU().named("relu3")
            Linear(120, 84).named("fc2")
            ReLU().named("relu4")
            Linear(84, classes).named("fc3")
        }
    }
}

/// LeNet-5 near the paper of 1998: scaled tanh and averages.
///
/// LeCun, Bottou, Bengio and Haffner, 1998, "Gradient-based learning applied to document recognition". As
/// there, weights start uniform in ±2.4 / fan-in. Images of 28x28 are padded by 2; of 32x32, the paper's, not.
///
/// **Deviations**: every map of layer C3 sees every map of S2 (the paper's table leaves some out, to break the
/// symmetry), logits for distances to prototypes. Subsampling has a trained coefficient and bias for each
/// map only when asked for; these add 44 parameters to 61,706.
public struct LeNet5Original: Model {
    public static let name = "lenet5-1998"
    public static let input = Shape(height: 28, width: 28, channels: 1)
    public static let layout = Layout.imagesLast
    public let classes: Int
    /// Whether images are 32x32 and need no padding.
    public let isPadded: Bool
    public let trainsPooling: Bool

    public init(classes: Int = 10) { self.init(classes: classes, isPadded: false) }

    /// - Parameters:
    ///   - isPadded: whether images come as 32x32, the digits' 28x28 in their middle.
    ///   - trainsPooling: whether subsampling has a trained coefficient and bias, as in the paper.
    public init(classes: Int = 10, isPadded: Bool, trainsPooling: Bool = false) {
        self.classes = classes
        self.isPadded = isPadded
        self.trainsPooling = trainsPooling
    }

    public static func variants(classes: Int) -> [LeNet5Original] {
        [false, true].flatMap { isPadded in
            [false, true].map {
                LeNet5Original(classes: classes, isPadded: isPadded, trainsPooling: $0)
            }
        }
    }

    public var variantName: String {
        Self.name + (isPadded ? "-32x32" : "") + (trainsPooling ? "-trained-pooling" : "")
    }

    public var layers: Sequential {
        Sequential {
            convolution(1, 6, padding: isPadded ? 0 : 2).named("conv1")
            ScaledTanh().named("tanh1")
            AveragePool2D(kernelSize: 2).named("pool1")
            if trainsPooling { Scale(6).named("scale1") }
            convolution(6, 16).named("conv2")
            ScaledTanh().named("tanh2")
            AveragePool2D(kernelSize: 2).named("pool2")
            if trainsPooling { Scale(16).named("scale2") }
            Flatten().named("flatten")
            linear(400, 120).named("fc1")
            ScaledTanh().named("tanh3")
            linear(120, 84).named("fc2")
            ScaledTanh().named("tanh4")
            linear(84, classes).named("fc3")
        }
    }

    private func convolution(_ inputs: Int, _ outputs: Int, padding: Int = 0) -> Conv2D {
        Conv2D(
            inputs, outputs, kernel: 5, padding: padding,
            weightInitializer: .uniform(bound: 2.4 / Float(inputs * 25)), biasInitializer: .constant(0))
    }

    private func linear(_ inputs: Int, _ outputs: Int) -> Linear {
        Linear(
            inputs: inputs, outputs: outputs, weightInitializer: .uniform(bound: 2.4 / Float(inputs)),
            biasInitializer: .constant(0))
    }
}

/// The wider LeNet of many tutorials: three convolutions and two fully connected layers.
///
/// 193,630 parameters and 2,993,000 multiply-adds for ten classes and 28x28x1 images. Trained there with Adam
/// and batches of 128.
///
/// **Deviations** from the tutorials: they print the third convolution without padding, but its 5x5 kernel
/// does not fit the 4x4 maps it is given, and no framework can build that. Here it has *same* padding;
/// `isAsPrinted` gives what is printed, which planning refuses.
public struct LeNet5Tutorial: Model {
    public static let name = "lenet5-keras"
    public static let input = Shape(height: 28, width: 28, channels: 1)
    public static let layout = Layout.imagesLast
    public let classes: Int
    public let isAsPrinted: Bool

    public init(classes: Int = 10) { self.init(classes: classes, isAsPrinted: false) }

    public init(classes: Int = 10, isAsPrinted: Bool) {
        self.classes = classes
        self.isAsPrinted = isAsPrinted
    }

    public var layers: Sequential {
        Sequential {
            Conv2D(1, 20, kernel: 5).named("conv1")
            ReLU().named("relu1")
            MaxPool2D(kernelSize: 2).named("pool1")
            Conv2D(20, 50, kernel: 5).named("conv2")
            ReLU().named("relu2")
            MaxPool2D(kernelSize: 2).named("pool2")
            Conv2D(50, 50, kernel: 5, padding: isAsPrinted ? 0 : 2).named("conv3")
            ReLU().named("relu3")
            MaxPool2D(kernelSize: 2).named("pool3")
            Flatten().named("flatten")
            Linear(200, 500).named("fc1")
            ReLU().named("relu4")
            Linear(500, classes).named("fc2")
        }
    }
}
