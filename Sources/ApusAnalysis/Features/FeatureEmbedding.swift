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
    ///   directions; `LAPACKError` where LAPACK fails.
    public init(_ vectors: FeatureVectors) throws {
        let (images, count) = (vectors.images.count, vectors.count)
        guard images > Self.directions else {
            throw InspectionError.tooFewImages(found: images, least: Self.directions + 1)
        }
        guard count >= Self.directions else {
            throw InspectionError.tooFewFeatures(layer: vectors.layer, found: count)
        }
        let (mean, covariance) = vectors.meanAndCovariance
        let variances = (0..<count).map { covariance[$0][$0] }
        let total = variances.reduce(0, +)
        guard total > 0 else {
            throw InspectionError.constantFeatures(layer: vectors.layer, images: images)
        }
        let components = try PrincipalComponents(covariance: covariance)
        let places = (0..<images).map { image in
            components.directions.prefix(Self.directions).map { direction in
                zip(zip(vectors.features(image), mean), direction).reduce(0) { $0 + ($1.0.0 - $1.0.1) * $1.1 }
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

extension FeatureVectors {
    /// The mean vector, and the mean products of distances from it, in two passes. What is the same for all images is its
    /// own mean to the last bit, and varies by nothing.
    fileprivate var meanAndCovariance: (mean: [Double], covariance: [[Double]]) {
        var mean = [Double](repeating: 0, count: count)
        var isConstant = [Bool](repeating: true, count: count)
        let first = Array(features(0))
        for image in images.indices {
            for (place, value) in features(image).enumerated() {
                mean[place] += value
                if value != first[place] { isConstant[place] = false }
            }
        }
        for place in mean.indices {
            mean[place] = isConstant[place] ? first[place] : mean[place] / Double(images.count)
        }
        var sums = (0..<count).map { [Double](repeating: 0, count: $0 + 1) }
        for image in images.indices {
            let centred = zip(features(image), mean).map { $0 - $1 }
            // What is the same for all, as dead units are, costs nothing.
            for row in 0..<count where centred[row] != 0 {
                let factor = centred[row]
                for column in 0...row { sums[row][column] += factor * centred[column] }
            }
        }
        let covariance = (0..<count).map { row in
            (0..<count).map { column in
                sums[max(row, column)][min(row, column)] / Double(images.count)
            }
        }
        return (mean, covariance)
    }
}
