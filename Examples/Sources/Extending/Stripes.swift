import Apus

/// Generated images of 16x16 grey pixels: noise with stripes in one of four directions, the classes.
struct Stripes: Dataset {
    let name = "stripes"
    let split: String
    let count: Int
    let seed: UInt64
    let classNames = ["horizontal", "rising", "vertical", "falling"]
    let channels = 1
    var imageSize: ImageSize? { ImageSize(height: 16, width: 16) }

    func label(of image: Int) -> Int { image % classNames.count }

    /// A function of the seed and the number alone: it may be asked for on any thread, and again.
    func image(_ index: Int, atLeast size: ImageSize?) throws -> PixelImage {
        let random = CounterRandom(seed: seed, purpose: .synthesis, sample: index)
        let steps = [(0, 1), (1, 1), (1, 0), (1, -1)][label(of: index)]
        let phase = random.integer(below: 6, at: 0)
        let samples = (0..<16 * 16).map { pixel in
            let along = pixel % 16 * steps.0 + pixel / 16 * steps.1 + phase + 96
            let stripe: Float = along % 6 < 3 ? 90 : 0
            return UInt8(stripe + 165 * random.uniform(at: 8 + pixel))
        }
        return PixelImage(height: 16, width: 16, channels: 1, samples: samples)
    }
}
