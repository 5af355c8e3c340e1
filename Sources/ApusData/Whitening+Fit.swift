import ApusFormats
import ApusKernels

extension Whitening {
    /// Images that are loaded at once. Sums are made of these blocks, whose size therefore decides the last bits.
    private static let imagesOfBlock = 512

    /// Fits a whitening to images: those of a training set, never those that it is tested on.
    ///
    /// The covariance and its eigenvectors are computed in double precision, the latter by LAPACK (`dsyevd`). The result
    /// is the same for any number of threads.
    ///
    /// - Parameters:
    ///   - preprocessing: what becomes of images before; whitening that it holds is left out.
    ///   - seed: draws the images where there are more than the settings ask for.
    ///   - threads: by default as many as the process may use.
    /// - Throws: `WhiteningError.tooLarge`; `.flatDirections` where the covariance is singular and epsilon is 0;
    ///   `DataError.noImages`; what keeps an image from being read; `AllocationError` where memory runs out.
    public init(
        _ settings: Settings, of dataset: any Dataset, preprocessed preprocessing: Preprocessing,
        seed: UInt64 = 0, threads: Int? = nil
    ) throws {
        try Self.check(preprocessing.input)
        guard dataset.count > 0 else { throw DataError.noImages(dataset: dataset.title) }
        let workers = Workers(count: threads)
        let random = CounterRandom(seed: seed, purpose: .sampling)
        let images =
            dataset.count <= settings.images
            ? Array(0..<dataset.count)
            : random.permutation(count: dataset.count).prefix(settings.images).sorted()
        let covariance = try Self.covariance(of: images, in: dataset, preprocessing, workers)
        let order = covariance.features
        let components = try PrincipalComponents(covariance: covariance.matrix, order: order)
        let flat = components.rankDeficiency
        guard settings.epsilon > 0 || flat == 0 else {
            throw WhiteningError.flatDirections(flat, of: order, images: images.count)
        }
        let matrix =
            switch settings.method {
            case .zca:
                try WhiteningMatrix.zca(components, epsilon: settings.epsilon, workers: workers)
            case .pca: WhiteningMatrix.pca(components, epsilon: settings.epsilon)
            }
        try self.init(
            Summary(
                method: settings.method, epsilon: settings.epsilon, images: images.count,
                flatDirections: flat),
            input: preprocessing.input, mean: covariance.mean.map { Float($0) },
            matrix: matrix.map { Float($0) })
    }

    private static func covariance(
        of images: [Int], in dataset: any Dataset, _ preprocessing: Preprocessing, _ workers: Workers
    ) throws -> Covariance {
        let writer = InputWriter(preprocessing)
        let shape = preprocessing.input
        let sums = try CovarianceSums(features: shape.count)
        let block = try FloatBuffer(count: min(imagesOfBlock, images.count) * shape.count)
        for start in stride(from: 0, to: images.count, by: imagesOfBlock) {
            let part = images[start..<min(start + imagesOfBlock, images.count)]
            _ = try workers.tryMap(count: part.count) { place in
                let image = try dataset.image(part[start + place], atLeast: writer.size)
                writer.write(
                    image,
                    into: Tensor(block.view, batch: part.count, shape: shape, layout: .channelsFirst),
                    at: place)
            }
            sums.add(block.view.matrix(rows: part.count, columns: shape.count), workers: workers)
        }
        return sums.covariance
    }
}
