import ApusKernels

/// Compares a layer's backward pass with central differences of its forward pass, and throws where they differ.
///
/// For random inputs, parameters near their initial ones and a random upstream gradient `w`, the gradient of
/// `sum(w * output)` with respect to a number `t` is compared with `(f(t + h) - f(t - h)) / 2h`, of which a second one
/// with half the step tells the error. Places where the function has a kink, such as a ReLU's at 0, are left out.
///
/// What else a layer promises is checked too: that it overwrites its input's gradient where it is told to, and adds to it where
/// it is told that (the layer stands twice in a `Concat`); that it adds to the gradients of its parameters, shard by
/// shard; that it reads no more of forward's tensors than its plan says (it stands between layers that run over them in
/// place); and that it reads no memory before it has written it (all of it is filled with NaN). Random layers are run in
/// training, each time with the same random numbers.
///
/// - Parameters:
///   - layer: of any output; a `Loss` is none. Containers and whole networks are layers too.
///   - input: the extent of an image. Small ones, of odd and unequal height and width, find most mistakes.
///   - batch: images; a few are enough.
///   - layouts: in which the layer is to be right; by default all that activations may have.
///   - placesPerTensor: the most numbers of each parameter and of the input that are moved, chosen at random.
///   - seed: of all random numbers.
/// - Returns: how many numbers were compared.
/// - Throws: `GradientCheckError` where a gradient is wrong or nothing could be compared, `PlanningError` where the layer
///   does not fit the input.
@discardableResult
public func checkGradients(
    of layer: any Layer, input: Shape, batch: Int = 2, layouts: [Layout] = Layout.allCases,
    placesPerTensor: Int = 40, seed: UInt64 = 0
) throws -> Int {
    let before = Scale(input.channels)
    var compared = 0
    for layout in layouts {
        let surroundings: [Sequential] = [
            Sequential {
                before.named("before")
                layer.named("layer")
                Tanh()
            },
            Sequential {
                before.named("before")
                Concat {
                    layer.named("layer")
                    layer.named("again")
                }
            },
        ]
        for model in surroundings {
            let network = try Network(model, input: input, seed: seed, layout: layout)
            let check = try GradientCheck(network, batch: batch, seed: seed)
            compared += try check.run(placesPerTensor: placesPerTensor)
        }
        try checkSums(of: layer, input: input, layout: layout, seed: seed)
    }
    return compared
}

/// A layer's gradient that is not that of its forward pass.
public enum GradientCheckError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `name` is the parameter's name, or `input`; `place` counts its numbers in PyTorch's order.
    case wrong(name: String, place: Int, backward: Double, differences: Double, layout: Layout)
    /// Outputs are not finite, though inputs are of order 1: memory is read, perhaps, that nobody has written.
    case notFinite(layout: Layout)
    /// All numbers that were moved lie at kinks, or all gradients are zero.
    case nothingCompared(name: String, layout: Layout)
    /// The parameters' gradients of a batch are not the sum of those of its images: they are not added up.
    case notAdded(name: String, layout: Layout)

    public var description: String {
        switch self {
        case .wrong(let name, let place, let backward, let differences, let layout):
            "\(name)[\(place)], \(layout): backward gives \(backward), central differences \(differences)"
        case .notFinite(let layout):
            "outputs, \(layout): found numbers that are not finite; forward must write its memory before it reads it"
        case .nothingCompared(let name, let layout):
            "\(name), \(layout): found no number that moves the output smoothly; nothing was compared"
        case .notAdded(let name, let layout):
            "\(name), \(layout): the gradient of a batch is not the sum of the gradients of its parts; backward must add "
                + "to context.gradient(_:)"
        }
    }
}

/// One network at one point.
private final class GradientCheck {
    /// Half a step of the inputs, which are of order 1: rounding and what is left of the cubic term are then alike.
    private static let step: Float = 0x1p-6
    /// Of a difference's own size: what its remainder and the backward pass's rounding may come to, with room. A mistake
    /// in a formula is of order 1.
    private static let tolerance = 0.002
    /// A difference that two steps disagree on by more is none.
    private static let greatestDoubt = 0.05

    private let network: Network
    private let executor: Executor
    private let upstream: [[Float]]
    private var images: [[Float]]
    private let seed: UInt64

    init(_ network: Network, batch: Int, seed: UInt64) throws {
        self.network = network
        self.seed = seed
        executor = try Executor(
            network, batchSize: batch, workers: Workers(count: 2), keepsInputGradient: true)
        executor.poisonMemory(with: .nan)
        images = arrays(batch, of: network.input.count, seed: seed, epoch: 1)
        upstream = arrays(batch, of: network.output.count, seed: seed, epoch: 2)
        try network.moveFromStart(seed: seed)
    }

    /// The numbers that were compared.
    func run(placesPerTensor: Int) throws -> Int {
        let start = try forward()
        executor.reduceGradients()
        // Before anything is moved: each forward pass computes them anew.
        let gradients = network.parameters.map { network.values(of: $0, in: executor.gradients) }
        let inputGradient = executor.inputGradients?.channelsFirstArray ?? []
        var compared = 0
        for (index, parameter) in network.parameters.enumerated() {
            // The layer before it is not in question.
            guard !parameter.name.hasPrefix("before.") else { continue }
            let values = network.values(of: parameter)
            compared += try compare(
                gradients[index], at: values, parameter.name, start: start,
                places: places(values.count, placesPerTensor, unit: index + 1)
            ) { place, value in
                var moved = values
                moved[place] = value
                try network.setValues(moved, of: parameter)
            }
        }
        let size = network.input.count
        return try compared
            + compare(
                inputGradient, at: images.flatMap(\.self), "input", start: start,
                places: places(images.count * size, placesPerTensor, unit: 0)
            ) { place, value in images[place / size][place % size] = value }
    }

    /// Compares the gradient of a tensor of `values` at some places; `move` changes the number of a place.
    private func compare(
        _ gradient: [Float], at values: [Float], _ name: String, start: [Float], places: [Int],
        move: (_ place: Int, _ value: Float) throws -> Void
    ) throws -> Int {
        var compared = 0
        for place in places {
            let isCompared = try compare(gradient[place], at: values[place], name, place, start: start) {
                try move(place, $0)
            }
            try move(place, values[place])
            compared += isCompared ? 1 : 0
        }
        guard compared > 0 else {
            throw GradientCheckError.nothingCompared(name: name, layout: network.layout)
        }
        return compared
    }

    /// The places to move, at most `count` of them.
    private func places(_ all: Int, _ count: Int, unit: Int) -> [Int] {
        let order = CounterRandom(seed: seed, purpose: .sampling, unit: unit, epoch: 3)
        return all <= count ? Array(0..<all) : order.permutation(count: all).prefix(count).sorted()
    }

    /// The outputs; the gradients are computed with them.
    private func forward() throws -> [Float] {
        _ = executor.computeGradients(
            ArrayBatch(images: images), count: images.count, loss: UpstreamLoss(upstream: upstream),
            seed: seed)
        let outputs = executor.outputs.channelsFirstArray
        guard outputs.allSatisfy(\.isFinite) else {
            throw GradientCheckError.notFinite(layout: network.layout)
        }
        return outputs
    }

    /// Compares one number of a gradient with differences around `value`, which `move` replaces; false where these
    /// say nothing.
    private func compare(
        _ backward: Float, at value: Float, _ name: String, _ place: Int, start: [Float],
        move: (Float) throws -> Void
    ) throws -> Bool {
        func outputs(at offset: Float) throws -> [Float] {
            try move(value + offset)
            return try forward()
        }
        let step = Self.step
        let (right, left) = (try outputs(at: step), try outputs(at: -step))
        let (near, nearLeft) = (try outputs(at: step / 2), try outputs(at: -step / 2))
        let weights = upstream.flatMap(\.self)
        // Steps as they are taken, after rounding.
        func width(_ from: Float, _ to: Float) -> Double { Double(value + to) - Double(value + from) }
        func slope(_ low: [Float], _ high: [Float], _ width: Double) -> Double {
            var sum = 0.0
            // What did not change has the same bits, and adds nothing: no rounding of it is left.
            for index in weights.indices {
                sum += Double(weights[index]) * (Double(high[index]) - Double(low[index]))
            }
            return sum / width
        }
        let wide = slope(left, right, width(-step, step))
        let narrow = slope(nearLeft, near, width(-step / 2, step / 2))
        let forwards = slope(start, near, width(0, step / 2))
        let backwards = slope(nearLeft, start, width(-step / 2, 0))
        // Richardson's extrapolation: the quadratic terms of the two cancel.
        let differences = (4 * narrow - wide) / 3
        var (size, noise) = (0.0, 0.0)
        for index in weights.indices where near[index] != nearLeft[index] {
            let weight = abs(Double(weights[index]))
            size += weight * abs(Double(near[index]) - Double(nearLeft[index]))
            // Four roundings of an output of order 1, or larger.
            noise += weight * 4 * 0x1p-24 * max(1, abs(Double(near[index])))
        }
        size /= width(-step / 2, step / 2)
        noise /= width(0, step / 2)
        // A kink is seen by what is on its two sides, one near the end of a step by the two steps.
        let doubt = max(abs(wide - narrow), abs(forwards - backwards) / 2)
        guard doubt <= Self.greatestDoubt * size + noise else { return false }
        guard abs(Double(backward) - differences) <= Self.tolerance * size + noise + doubt else {
            throw GradientCheckError.wrong(
                name: name, place: place, backward: Double(backward), differences: differences,
                layout: network.layout)
        }
        return size > 0
    }
}

/// Checks that backward adds to the parameters' gradients: those of a batch, of which a lane has several shards, are the
/// sum of those of its halves.
private func checkSums(of layer: any Layer, input: Shape, layout: Layout, seed: UInt64) throws {
    let network = try Network(layer, input: input, seed: seed, layout: layout)
    guard network.trainedFloats > 0 else { return }
    try network.moveFromStart(seed: seed)
    let count = ShardDeal.greatestTurn * Executor.greatestShardSize + 1
    let images = arrays(count, of: input.count, seed: seed, epoch: 4)
    let loss = UpstreamLoss(upstream: arrays(count, of: network.output.count, seed: seed, epoch: 5))
    let executor = try Executor(network, batchSize: count, workers: Workers(count: 2))
    func gradients(_ range: Range<Int>) throws -> [[Float]] {
        let executor = range.count == count ? executor : try Executor(network, batchSize: range.count)
        _ = executor.computeGradients(
            ArrayBatch(images: Array(images[range]), labels: Array(range)), count: range.count, loss: loss,
            phase: .evaluation, seed: seed)
        executor.reduceGradients()
        return network.parameters.map { network.values(of: $0, in: executor.gradients) }
    }
    let whole = try gradients(0..<count)
    let (first, second) = (try gradients(0..<count / 2), try gradients(count / 2..<count))
    for (index, parameter) in network.parameters.enumerated() {
        var error = 0.0
        var size = 0.0
        for place in whole[index].indices {
            let sum = Double(first[index][place]) + Double(second[index][place])
            error += (Double(whole[index][place]) - sum) * (Double(whole[index][place]) - sum)
            size += sum * sum
        }
        // Rounding is of the order of 1e-5 of it; an image or a shard left out, of a tenth and more.
        guard error.squareRoot() <= 0.01 * size.squareRoot() else {
            throw GradientCheckError.notAdded(name: parameter.name, layout: layout)
        }
    }
}

extension Network {
    /// Moves every parameter from its initial value, so that none is zero or one, nor equal to others.
    fileprivate func moveFromStart(seed: UInt64) throws {
        for (index, parameter) in parameters.enumerated() {
            let random = CounterRandom(seed: seed, purpose: .sampling, unit: index, epoch: 6)
            let values = values(of: parameter).enumerated().map { $1 + random.uniform(at: $0) / 2 - 0.25 }
            try setValues(values, of: parameter)
        }
    }
}

/// `count` arrays of `size` random numbers from -1 to 1.
private func arrays(_ count: Int, of size: Int, seed: UInt64, epoch: Int) -> [[Float]] {
    (0..<count).map { sample in
        let random = CounterRandom(seed: seed, purpose: .sampling, epoch: epoch, sample: sample)
        return (0..<size).map { 2 * random.uniform(at: $0) - 1 }
    }
}
