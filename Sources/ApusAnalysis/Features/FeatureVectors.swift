import ApusData
import ApusKernels
import ApusNN
import ApusTraining
import Synchronization

/// What a layer makes of each image of a dataset, as a vector: a map counts with its mean over the pixels.
public struct FeatureVectors: Sendable, Hashable {
    /// The path of the layer.
    public let layer: String
    /// Numbers of a vector: the layer's channels.
    public let count: Int
    /// The places of the images in their dataset.
    public let images: [Int]
    /// The class of each image.
    public let labels: [Int]
    /// Of the classifier.
    public let classNames: [String]
    /// The vectors, one after the other: `[images, features]`.
    public let values: [Float]

    /// - Parameter values: `[images, features]`, all finite.
    public init(
        layer: String, count: Int, images: [Int], labels: [Int], classNames: [String], values: [Float]
    ) {
        precondition(
            labels.count == images.count && values.count == images.count * count,
            "\(values.count) values and \(labels.count) labels of \(images.count) images with \(count) features"
        )
        self.layer = layer
        self.count = count
        self.images = images
        self.labels = labels
        self.classNames = classNames
        self.values = values
    }

    /// The features of one of the images.
    func features(_ image: Int) -> ArraySlice<Float> { values[image * count..<(image + 1) * count] }
}

extension Classifier {
    /// The features of a dataset's images.
    ///
    /// - Parameters:
    ///   - layer: the path of a layer; by default the one before the last with parameters, whose output a linear map
    ///     turns into the scores of the classes. The two layers of one that is factored count as one.
    ///   - images: the most images, taken at equal distances; by default all.
    ///   - threads: by default as many as the process may use.
    /// - Throws: `UnknownLayerError`, `InspectionError.noPenultimateLayer` or `.notFinite`; `ClassifierError` where the
    ///   images or the classes are not the classifier's; what keeps an image from being read; `AllocationError`.
    public func features(
        of data: any Dataset, layer path: String? = nil, images: Int? = nil, batchSize: Int = 64,
        threads: Int? = nil
    ) throws -> FeatureVectors {
        let thinned = ThinnedDataset(data, to: images ?? .max)
        let run = try ObservedRun(
            self, thinned.count < data.count ? thinned : data, batchSize: batchSize, threads: threads)
        let layer = try path.map { try network.layer(at: $0) } ?? network.penultimateLayer
        let outputs = LayerOutputs(images: run.executor.batchSize, of: [layer.path])
        run.executor.observer = outputs.observer()
        let pixels = layer.output.pixels
        var values: [Float] = []
        try run.forEachBatch { places in
            guard let output = outputs.outputs(in: run.executor.network).first else { return }
            let rows = places.count * layer.output.channels
            for row in 0..<rows {
                let sum = output.values[row * pixels..<(row + 1) * pixels].reduce(0) { $0 + Double($1) }
                guard sum.isFinite else {
                    let image = thinned.place(places.lowerBound + row / layer.output.channels)
                    throw InspectionError.notFinite(layer: layer.path, image: image)
                }
                values.append(Float(sum / Double(pixels)))
            }
        }
        return FeatureVectors(
            layer: layer.path, count: layer.output.channels, images: (0..<thinned.count).map(thinned.place),
            labels: (0..<thinned.count).map(thinned.label), classNames: classNames, values: values)
    }
}

extension Network {
    /// The layer whose output the last layer with parameters reads.
    ///
    /// - Throws: `InspectionError.noPenultimateLayer` where that is the network's input, or branches part there.
    var penultimateLayer: PlannedLayer {
        get throws(InspectionError) {
            guard let layer = root.penultimate() else { throw .noPenultimateLayer }
            return layer
        }
    }
}

extension PlannedLayer {
    private var hasParameters: Bool { !parameters.isEmpty || children.contains(where: \.hasParameters) }

    /// The layer before the last one inside with parameters; nil where that is this one's first.
    fileprivate func penultimate() -> PlannedLayer? {
        guard var last = children.lastIndex(where: \.hasParameters) else { return nil }
        // Branches side by side come before none of each other.
        guard layer is Sequential else { return nil }
        if let inner = children[last].penultimate() { return inner }
        // Between the factors of a layer are no features but its rank.
        if last > 0, children[last - 1].isFactor(before: children[last], in: self) { last -= 1 }
        let before = children[..<last].last
        return before?.isUnnamed == false ? before : nil
    }

    /// Whether this layer and `next`, neighbours in `container`, are the factors of one: they have its path, and numbers,
    /// but are not in a container of that path (see `LowRankLayer` and `Sequential.factored`).
    private func isFactor(before next: PlannedLayer, in container: PlannedLayer) -> Bool {
        guard layer is any LowRankLayer, next.layer is any LowRankLayer, path.hasSuffix(".0") else {
            return false
        }
        let factored = String(path.dropLast(2))
        return next.path == factored + ".1" && factored != container.path
    }
}
