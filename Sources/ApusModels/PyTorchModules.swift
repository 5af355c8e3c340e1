/// The models that a line of Python makes in PyTorch, with the parameters' names the same.
extension Model {
    /// An expression that makes the network in PyTorch, with `torch`, `torchvision` and `OrderedDict` imported; nil where
    /// a line does not do, as for a model of one's own.
    public var pyTorchExpression: String? {
        switch self {
        case is LeNet5: Self.sequential(lenet5)
        case let model as LeNet5Tutorial where !model.isAsPrinted: Self.sequential(tutorial)
        case let model as SqueezeNet1_0 where model.bypass == .none: torchvision
        case let model as SqueezeNet1_1 where model.bypass == .none: torchvision
        default: nil
        }
    }

    private var lenet5: [String] {
        [
            "conv1=nn.Conv2d(1, 6, 5, padding=2)", "relu1=nn.ReLU()", "pool1=nn.MaxPool2d(2)",
            "conv2=nn.Conv2d(6, 16, 5)", "relu2=nn.ReLU()", "pool2=nn.MaxPool2d(2)", "flatten=nn.Flatten()",
            "fc1=nn.Linear(400, 120)", "relu3=nn.ReLU()", "fc2=nn.Linear(120, 84)", "relu4=nn.ReLU()",
            "fc3=nn.Linear(84, \(classes))",
        ]
    }

    private var tutorial: [String] {
        [
            "conv1=nn.Conv2d(1, 20, 5)", "relu1=nn.ReLU()", "pool1=nn.MaxPool2d(2)",
            "conv2=nn.Conv2d(20, 50, 5)", "relu2=nn.ReLU()", "pool2=nn.MaxPool2d(2)",
            "conv3=nn.Conv2d(50, 50, 5, padding=2)", "relu3=nn.ReLU()", "pool3=nn.MaxPool2d(2)",
            "flatten=nn.Flatten()", "fc1=nn.Linear(200, 500)", "relu4=nn.ReLU()",
            "fc2=nn.Linear(500, \(classes))",
        ]
    }

    private var torchvision: String { "torchvision.models.\(variantName)(num_classes=\(classes))" }

    private static func sequential(_ modules: [String]) -> String {
        let text = modules.joined(separator: ", ").replacing("nn.", with: "torch.nn.")
        return "torch.nn.Sequential(OrderedDict(\(text)))"
    }
}
