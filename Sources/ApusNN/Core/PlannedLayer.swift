import ApusKernels

/// A layer in its place in a planned network.
public final class PlannedLayer: Sendable {
    public let layer: any Layer
    /// What runs in its place: the layer itself, or one that computes others too or leaves them work.
    let running: any Layer
    /// The names from the root down, joined by dots.
    public let path: String
    /// Whether the layer goes by its container's path.
    public let isUnnamed: Bool
    public let input: Shape
    public let output: Shape
    /// The shape of what lies in memory after the layer has run: that of a layer after it, where it computes that too.
    let stored: Shape
    /// This layer's own parameters, not those of layers inside.
    public let parameters: [Parameter]
    /// Multiply-adds of one image, those of layers inside included.
    public let multiplyAdds: Int
    /// The way the layer is computed, where there was a choice.
    public let algorithm: String?
    /// Where the layer's output lies, as its container grants it.
    public let placement: Placement
    public let children: [PlannedLayer]

    /// Where the output of a layer lies, and who writes it.
    public enum Placement: String, Sendable, Codable {
        /// In memory that is not the input's.
        case own
        /// Over the input.
        case inPlace
        /// It is the input under another shape: the layer is not run.
        case view
        /// A layer before computes it: the layer is not run.
        case fused
    }

    /// Position among all layers, in the order of planning.
    let identifier: Int
    let routes: [PlannedChild.Route]
    let storages: [LayerPlan.Storage]
    let saved: [BufferSize]
    let savedTakesTurns: Bool
    let scratch: [BufferSize]
    let backwardReadsInput: Bool
    let backwardReadsOutput: Bool
    /// Where the layer's buffers stand among all layers'.
    let firstSaved: Int
    let firstScratch: Int
    let prepared: [Int]
    let preparedForBackward: [Int]
    let firstPrepared: Int
    /// The lowest layer inside with a parameter to train, there or further inside; below it, nobody needs a
    /// gradient that is discarded.
    let lowestTrained: Int?
    /// Whether there is a parameter to train, here or further inside.
    let isTrained: Bool

    /// Multiply-adds of one image and numbers in parameters, not those of layers inside.
    var ownMultiplyAdds: Int { multiplyAdds - children.reduce(0) { $0 + $1.multiplyAdds } }
    var ownParameters: Int { parameters.reduce(0) { $0 + $1.count } }

    /// Whether the layer is not run, since its output is there without it.
    public var isSkipped: Bool { placement == .view || placement == .fused }

    fileprivate init(
        _ plan: LayerPlan, layer: any Layer, running: any Layer, path: String, isUnnamed: Bool, input: Shape,
        stored: Shape, placement: Placement = .own, numbering: inout Numbering
    ) {
        self.layer = layer
        self.running = running
        self.path = path
        self.isUnnamed = isUnnamed
        self.input = input
        self.placement = placement
        output = plan.output
        self.stored = stored
        identifier = numbering.layers
        numbering.layers += 1
        saved = plan.saved
        savedTakesTurns = plan.savedTakesTurns
        firstSaved = numbering.saved
        numbering.saved += plan.saved.count
        prepared = plan.prepared
        preparedForBackward = plan.preparedForBackward
        firstPrepared = numbering.prepared
        numbering.prepared += plan.prepared.count + plan.preparedForBackward.count
        scratch = plan.scratch
        backwardReadsInput = plan.backwardReadsInput
        backwardReadsOutput = plan.backwardReadsOutput
        firstScratch = numbering.scratch
        numbering.scratch += plan.scratch.count
        parameters = plan.parameters.map { numbering.book($0, path: path) }
        children = plan.children.map {
            PlannedLayer(
                $0.plan, layer: $0.layer, running: $0.running, path: $0.path, isUnnamed: $0.isUnnamed,
                input: $0.input,
                stored: $0.stored, placement: $0.placement, numbering: &numbering)
        }
        multiplyAdds = plan.multiplyAdds + children.reduce(0) { $0 + $1.multiplyAdds }
        algorithm = plan.algorithm
        routes = plan.children.map(\.route)
        storages = plan.children.map(\.plan.storage)
        lowestTrained = children.firstIndex(where: \.isTrained)
        isTrained = lowestTrained != nil || parameters.contains { !$0.isFrozen }
    }

    /// Numbers a plan's layers, parameters and buffers from the root down.
    ///
    /// - Throws: `PlanningError` where two parameters have one name, or a pattern of `freezing` describes
    ///   none.
    static func number(
        _ plan: LayerPlan, layer: any Layer, input: Shape, freezing: [NamePattern]
    ) throws -> PlannedNetwork {
        var numbering = Numbering(frozen: try plan.frozenNames(freezing))
        plan.forEachParameter(path: "") { name, specification in
            guard !numbering.frozen.contains(name) else { return }
            let floats = FloatBuffer.aligned(specification.count)
            if specification.hasGradientFactors { numbering.laneEnd += floats }
            numbering.frozenEnd += floats
        }
        let (factoredFloats, trainedFloats) = (numbering.laneEnd, numbering.frozenEnd)
        let root = PlannedLayer(
            plan, layer: layer, running: layer, path: "", isUnnamed: false, input: input, stored: plan.output,
            numbering: &numbering)
        return PlannedNetwork(
            root: root, parameters: numbering.parameters, factoredFloats: factoredFloats,
            trainedFloats: trainedFloats, parameterFloats: numbering.frozenEnd)
    }

    fileprivate struct Numbering {
        var layers = 0
        var saved = 0
        var scratch = 0
        var prepared = 0
        var parameters: [Parameter] = []
        let frozen: Set<String>
        /// Where the parameters booked so far end: those whose gradients have factors, the others that are trained, and the
        /// frozen ones, which follow each other.
        var factoredEnd = 0
        var laneEnd = 0
        var frozenEnd = 0

        init(frozen: Set<String>) { self.frozen = frozen }

        mutating func book(_ specification: ParameterSpecification, path: String) -> Parameter {
            let name = specification.fullName(path)
            let isFrozen = frozen.contains(name)
            let end: WritableKeyPath<Numbering, Int> =
                isFrozen ? \.frozenEnd : specification.hasGradientFactors ? \.factoredEnd : \.laneEnd
            let start = self[keyPath: end]
            // Each starts at a cache line; the floats between stay zero whatever the optimiser.
            self[keyPath: end] += FloatBuffer.aligned(specification.count)
            let parameter = Parameter(
                specification: specification, index: parameters.count, name: name,
                range: start..<start + specification.count, isFrozen: isFrozen)
            parameters.append(parameter)
            return parameter
        }
    }

    /// The layers here and inside that prepare something of their parameters.
    var withPreparedMemory: [PlannedLayer] {
        (prepared.isEmpty ? [] : [self]) + children.flatMap(\.withPreparedMemory)
    }

    /// This layer and all inside it, from the root down.
    func forEach(_ body: (PlannedLayer) throws -> Void) rethrows {
        try body(self)
        for child in children { try child.forEach(body) }
    }
}

/// A network's planned layers, and its parameters: first those that are trained and whose gradients have factors, then the others
/// that are trained, then those that are frozen.
struct PlannedNetwork {
    let root: PlannedLayer
    /// In the order of planning.
    let parameters: [Parameter]
    let factoredFloats: Int
    let trainedFloats: Int
    let parameterFloats: Int
}

extension LayerPlan {
    /// The parameters that any of `patterns` describes.
    ///
    /// - Throws: `PlanningError` where two parameters have one name, or a pattern describes none.
    fileprivate func frozenNames(_ patterns: [NamePattern]) throws -> Set<String> {
        var names: [String] = []
        forEachParameter(path: "") { name, _ in names.append(name) }
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw PlanningError(reason: "two parameters are named \(name)")
        }
        for pattern in patterns where !names.contains(where: pattern.matches) {
            let known = names.isEmpty ? "there are none" : "there are \(names.joined(separator: ", "))"
            throw PlanningError(reason: "no parameter to freeze is described by \(pattern): \(known)")
        }
        return Set(names.filter { name in patterns.contains { $0.matches(name) } })
    }

    /// Calls `body` with each parameter and its full name, in the order of planning.
    fileprivate func forEachParameter(
        path: String, _ body: (_ name: String, _ specification: ParameterSpecification) -> Void
    ) {
        for specification in parameters { body(specification.fullName(path), specification) }
        for child in children { child.plan.forEachParameter(path: child.path, body) }
    }
}

extension ParameterSpecification {
    fileprivate func fullName(_ path: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}

/// Where each buffer of a planned network lies, for shards of so many images: sizes first, then one
/// allocation.
///
/// Saved buffers follow each other where backward needs them. Scratch is a stack: a layer's lies above its container's, so layers that
/// never run at the same time share it.
struct MemoryPlan: Sendable {
    let images: Int
    private let keepsActivations: Bool
    private(set) var savedRanges: [Range<Int>] = []
    private(set) var scratchRanges: [Range<Int>] = []
    private(set) var preparedRanges: [Range<Int>] = []
    private(set) var preparedFloats = 0
    private(set) var savedFloats = 0
    private(set) var scratchFloats = 0

    /// Floats that one image more takes.
    static func floatsPerImage(_ root: PlannedLayer) -> Int {
        let (one, two) = (MemoryPlan(root, images: 1), MemoryPlan(root, images: 2))
        return max(1, two.savedFloats + two.scratchFloats - one.savedFloats - one.scratchFloats)
    }

    /// - Parameter keepsActivations: whether backward follows. Without, what a layer saves lasts for its forward
    ///   alone, and is a stack too.
    init(_ root: PlannedLayer, images: Int, keepsActivations: Bool = true) {
        self.images = images
        self.keepsActivations = keepsActivations
        book(root, savedBase: 0, scratchBase: 0)
    }

    private mutating func book(_ layer: PlannedLayer, savedBase: Int, scratchBase: Int) {
        var savedTop = keepsActivations ? savedFloats : savedBase
        if layer.savedTakesTurns && !keepsActivations {
            let counts = layer.saved.map { $0.count(images: images) }
            let widest = (0..<2).map { turn in
                counts.indices.filter { $0 % 2 == turn }.map { counts[$0] }.max() ?? 0
            }
            for (index, count) in counts.enumerated() {
                let start = savedTop + index % 2 * widest[0]
                savedRanges.append(start..<start + count)
            }
            savedTop += widest[0] + widest[1]
        } else {
            for size in layer.saved {
                let count = size.count(images: images)
                savedRanges.append(savedTop..<savedTop + count)
                savedTop += count
            }
        }
        savedFloats = max(savedFloats, savedTop)
        for count in layer.prepared + layer.preparedForBackward.map({ keepsActivations ? $0 : 0 }) {
            preparedRanges.append(preparedFloats..<preparedFloats + count)
            preparedFloats += FloatBuffer.aligned(count)
        }
        var top = scratchBase
        for size in layer.scratch {
            let count = size.count(images: images)
            scratchRanges.append(top..<top + count)
            top += count
        }
        scratchFloats = max(scratchFloats, top)
        for child in layer.children { book(child, savedBase: savedTop, scratchBase: top) }
    }
}
