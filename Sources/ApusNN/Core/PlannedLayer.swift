import ApusKernels

/// A layer in its place in a planned network.
public final class PlannedLayer: Sendable {
    public let layer: any Layer
    /// The names from the root down, joined by dots.
    public let path: String
    public let input: Shape
    public let output: Shape
    /// This layer's own parameters, not those of layers inside.
    public let parameters: [Parameter]
    /// Multiply-adds of one image, those of layers inside included.
    public let multiplyAdds: Int
    public let children: [PlannedLayer]

    /// Position among all layers, in the order of planning.
    let identifier: Int
    let routes: [PlannedChild.Route]
    let storages: [LayerPlan.Storage]
    let saved: [BufferSize]
    let scratch: [BufferSize]
    /// Where the layer's buffers stand among all layers'.
    let firstSaved: Int
    let firstScratch: Int
    /// The lowest layer inside that has parameters, here or further inside; below it, nobody needs a
    /// gradient that is discarded.
    let lowestTrained: Int?

    fileprivate init(
        _ plan: LayerPlan, layer: any Layer, path: String, input: Shape, numbering: inout Numbering
    ) {
        self.layer = layer
        self.path = path
        self.input = input
        output = plan.output
        identifier = numbering.layers
        numbering.layers += 1
        saved = plan.saved
        firstSaved = numbering.saved
        numbering.saved += plan.saved.count
        scratch = plan.scratch
        firstScratch = numbering.scratch
        numbering.scratch += plan.scratch.count
        parameters = plan.parameters.map { numbering.book($0, path: path) }
        children = plan.children.map {
            PlannedLayer(
                $0.plan, layer: $0.layer, path: path.isEmpty ? $0.name : "\(path).\($0.name)",
                input: $0.input, numbering: &numbering)
        }
        multiplyAdds = plan.multiplyAdds + children.reduce(0) { $0 + $1.multiplyAdds }
        routes = plan.children.map(\.route)
        storages = plan.children.map(\.plan.storage)
        lowestTrained = plan.children.firstIndex { $0.plan.hasParameters }
    }

    /// Numbers a plan's layers, parameters and buffers from the root down.
    static func number(
        _ plan: LayerPlan, layer: any Layer, input: Shape
    ) -> (root: PlannedLayer, parameters: [Parameter], parameterFloats: Int) {
        var numbering = Numbering()
        let root = PlannedLayer(plan, layer: layer, path: "", input: input, numbering: &numbering)
        return (root, numbering.parameters, numbering.parameterFloats)
    }

    fileprivate struct Numbering {
        var layers = 0
        var saved = 0
        var scratch = 0
        var parameters: [Parameter] = []
        var parameterFloats = 0

        mutating func book(_ specification: ParameterSpecification, path: String) -> Parameter {
            let name = path.isEmpty ? specification.name : "\(path).\(specification.name)"
            let start = parameterFloats
            // Each starts at a cache line; the floats between stay zero whatever the optimiser.
            parameterFloats += FloatBuffer.aligned(specification.count)
            let parameter = Parameter(
                specification: specification, name: name, range: start..<start + specification.count)
            parameters.append(parameter)
            return parameter
        }
    }

    /// This layer and all inside it, from the root down.
    func forEach(_ body: (PlannedLayer) -> Void) {
        body(self)
        for child in children { child.forEach(body) }
    }
}

/// Where each buffer of a planned network lies, for shards of so many images: sizes first, then one
/// allocation.
///
/// Saved buffers follow each other. Scratch is a stack: a layer's lies above its container's, so layers that
/// never run at the same time share it.
struct MemoryPlan: Sendable {
    let images: Int
    private(set) var savedRanges: [Range<Int>] = []
    private(set) var scratchRanges: [Range<Int>] = []
    private(set) var savedFloats = 0
    private(set) var scratchFloats = 0

    init(_ root: PlannedLayer, images: Int) {
        self.images = images
        book(root, scratchBase: 0)
    }

    private mutating func book(_ layer: PlannedLayer, scratchBase: Int) {
        for size in layer.saved {
            let count = size.count(images: images)
            savedRanges.append(savedFloats..<savedFloats + count)
            savedFloats += count
        }
        var top = scratchBase
        for size in layer.scratch {
            let count = size.count(images: images)
            scratchRanges.append(top..<top + count)
            top += count
        }
        scratchFloats = max(scratchFloats, top)
        for child in layer.children { book(child, scratchBase: top) }
    }
}
