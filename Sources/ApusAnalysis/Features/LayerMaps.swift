import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining

/// What a layer makes of one image: its maps, or where it gives a vector that.
public struct LayerMaps: Sendable, Hashable {
    /// The path of the layer.
    public let layer: String
    public let kind: String
    public let shape: Shape
    /// `[channels, height, width]`.
    public let values: [Float]

    /// Which maps share their colours.
    public typealias Scale = FilterPictures.Scale

    init(_ output: LayerOutputs.Output) {
        (layer, kind, shape) = (output.layer, output.kind, output.shape)
        values = output.values
    }

    /// Whether a value is negative: colours then go to both sides of zero, in the middle.
    public var hasNegatives: Bool { values.contains { $0 < 0 } }

    /// Values that are not finite.
    public var notFinite: Int { values.count { !$0.isFinite } }

    /// The maps, or a vector as one map.
    var maps: [ArraySlice<Float>] {
        if shape.isVector { return [values[...]] }
        return (0..<shape.channels).map { values[$0 * shape.pixels..<($0 + 1) * shape.pixels] }
    }

    /// The colours of all maps, and what the ends mean; from zero, or where a value is negative as far to both sides.
    var colors: ColorBar {
        let greatest = Double(Self.greatest(values[...]))
        return hasNegatives
            ? ColorBar(.diverging, from: -greatest, to: greatest) : ColorBar(.heat, from: 0, to: greatest)
    }

    /// A picture of each of the first maps.
    ///
    /// - Parameters:
    ///   - scale: whether the greatest magnitude of all maps has the last colour, or that of each.
    ///   - count: the most maps.
    func pictures(scale: Scale, count: Int) -> [PixelImage] {
        let colors = colors
        return maps.prefix(count).map { map in
            let greatest = scale == .each ? Self.greatest(map) : Float(colors.highest)
            let size = shape.isVector ? Self.extent(ofVector: map.count) : shape.size
            var samples: [UInt8] = []
            for value in map {
                let share = Double(greatest > 0 ? value / greatest : 0)
                let color =
                    value.isFinite ? colors.map.color(hasNegatives ? (share + 1) / 2 : share) : Self.noNumber
                samples += [color.red, color.green, color.blue]
            }
            // What a vector leaves of its last row.
            samples += [UInt8](repeating: 255, count: 3 * size.height * size.width - samples.count)
            return PixelImage(height: size.height, width: size.width, channels: 3, samples: samples)
        }
    }

    /// Of what is not finite.
    private static let noNumber = Color(red: 255, green: 0, blue: 255)

    /// The greatest finite magnitude.
    static func greatest(_ values: ArraySlice<Float>) -> Float {
        values.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    }

    /// Rows and columns that hold a vector, near a square.
    private static func extent(ofVector count: Int) -> ImageSize {
        let width = Int(Double(count).squareRoot().rounded(.up))
        return ImageSize(height: (count + width - 1) / width, width: width)
    }
}

extension Shape {
    fileprivate var size: ImageSize { ImageSize(height: height, width: width) }
}

extension Classifier {
    /// What layers make of an image, upright, of any size.
    ///
    /// - Parameter patterns: describe the paths of the layers, by default those of all; in the order of the network.
    /// - Throws: `UnknownLayerError` where a pattern describes none; `DataError.channelMismatch` where the network sees
    ///   neither grey nor coloured images; `AllocationError`.
    public func featureMaps(of image: PixelImage, layers patterns: [NamePattern] = ["*"]) throws
        -> [LayerMaps]
    {
        let wanted = Set(try network.layers(matching: patterns).map(\.path))
        let executor = try Executor(
            try network.unfused(), batchSize: 1, workers: Workers(count: 1), isTraining: false)
        let outputs = LayerOutputs(images: 1, of: wanted)
        executor.observer = outputs.observer()
        _ = executor.infer(try PixelBatch([image], preprocessing), count: 1)
        return outputs.outputs(in: executor.network).map(LayerMaps.init)
    }
}
