import ApusKernels

/// The features of images in a plane: along the two directions in which they vary most (principal component analysis:
/// Pearson, 1901, "On lines and planes of closest fit to systems of points in space"; Hotelling, 1933).
public struct FeatureEmbedding: Sendable, Hashable, Codable {
    /// An image's place in the plane, from the mean of all.
    public struct Point: Sendable, Hashable, Codable {
        /// Its place in the dataset.
        public let image: Int
        /// Its class.
        public let label: Int
        public let x: Double
        public let y: Double
    }

    /// The path of the layer.
    public let layer: String
    /// Numbers that the layer makes of an image.
    public let features: Int
    /// Those of them that are the same for all images.
    public let constantFeatures: Int
    public let classNames: [String]
    /// The shares of the features' variance along the directions, the greatest first.
    public let varianceShares: [Double]
    public let points: [Point]

    private static let directions = 2

    /// - Throws: `InspectionError.tooFewImages`, `.tooFewFeatures` or `.constantFeatures` where there are no two
    ///   directions; `LAPACKError` where LAPACK fails; `AllocationError`.
    public init(_ vectors: FeatureVectors) throws {
        let (images, count) = (vectors.images.count, vectors.count)
        guard images > Self.directions else {
            throw InspectionError.tooFewImages(found: images, least: Self.directions + 1)
        }
        guard count >= Self.directions else {
            throw InspectionError.tooFewFeatures(layer: vectors.layer, found: count)
        }
        let sums = try CovarianceSums(features: count)
        let buffer = try FloatBuffer(count: vectors.values.count)
        buffer.view.copy(from: vectors.values)
        withExtendedLifetime(buffer) {
            sums.add(buffer.view.matrix(rows: images, columns: count), workers: Workers())
        }
        let covariance = sums.covariance
        let (mean, matrix) = (covariance.mean, covariance.matrix)
        let variances = (0..<count).map { matrix[$0 * (count + 1)] }
        let total = variances.reduce(0, +)
        guard total > 0 else {
            throw InspectionError.constantFeatures(layer: vectors.layer, images: images)
        }
        let components = try PrincipalComponents(covariance: matrix, order: count)
        let places = (0..<images).map { image in
            components.directions.prefix(Self.directions).map { direction in
                zip(zip(vectors.features(image), mean), direction).reduce(0) {
                    $0 + (Double($1.0.0) - $1.0.1) * $1.1
                }
            }
        }
        layer = vectors.layer
        features = count
        constantFeatures = variances.count { $0 == 0 }
        classNames = vectors.classNames
        varianceShares = components.variances.prefix(Self.directions).map { $0 / total }
        points = places.indices.map {
            Point(image: vectors.images[$0], label: vectors.labels[$0], x: places[$0][0], y: places[$0][1])
        }
    }
}
