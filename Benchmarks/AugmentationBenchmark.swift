import Apus
import BenchmarkResults

/// Images that one thread augments, and writes into a batch as a network's input.
struct AugmentationBenchmark: Benchmark {
    struct Result: BenchmarkResult {
        static let group = "augmentation"
        static let title = "Augmented images, by one thread"
        static let columns = ["images/s", "time/image", "spread"]

        let name: String
        let imagesPerSecond: MeasuredRate

        var rates: [NamedRate] { [NamedRate(name, imagesPerSecond)] }

        func cells(_ header: Report.Header, after previous: Result?) -> [String] {
            [
                Text.number(imagesPerSecond.median), Text.time(seconds: 1 / imagesPerSecond.median),
                Text.percent(imagesPerSecond.spread),
            ]
        }
    }

    let shape: Shape
    let input: Shape
    let transforms: String

    var name: String { Result.name("\(shape)", transforms) }

    static func all() -> [AugmentationBenchmark] {
        let digit = Shape(height: 28, width: 28, channels: 1)
        let thing = Shape(height: 32, width: 32, channels: 3)
        let photo = Shape(height: 256, width: 320, channels: 3)
        let crop = Shape(height: 224, width: 224, channels: 3)
        return [
            (digit, digit, "flip"), (digit, digit, "pad-crop=2,flip"),
            (digit, digit, "rotate=10,shift=0.1,flip"),
            (digit, digit, "rotate=10,shift=0.1,scale=0.9..1.1,shear=5,flip,erase"),
            (digit, digit, "elastic"), (thing, thing, "pad-crop=4,flip"),
            (thing, thing, "pad-crop=4,flip,brightness=0.2,contrast=0.2,saturation=0.2,hue=0.05"),
            (photo, crop, "random-resized-crop=224,flip,lighting"),
            (photo, crop, "resize-shorter=256,center-crop=224"),
        ].map(AugmentationBenchmark.init)
    }

    func run(_ effort: Effort) throws -> Result {
        let count = 64
        let data = try ImageDataset.synthetic(count: count, shape: shape, classes: 8, seed: 1, split: "train")
        let images = try AugmentedImages(
            data, Augmentation(parsing: transforms),
            Preprocessing(image: shape, input: input, normalization: .symmetric(channels: shape.channels)))
        let buffer = try FloatBuffer(count: count * input.count)
        let batch = Tensor(buffer.view, batch: count, shape: input, layout: .channelsFirst)
        return Result(
            name: name,
            imagesPerSecond: try withExtendedLifetime(buffer) {
                try MeasuredRate.measure(amount: Double(count), effort) {
                    for index in 0..<count {
                        try images.load(index, seed: 1, epoch: 0, into: batch, at: index)
                    }
                }
            })
    }
}
