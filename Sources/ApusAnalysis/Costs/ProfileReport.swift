import ApusKernels
import ApusModels
import ApusNN

/// Where the time of a network's steps went: a mean step, each moment of each thread counted once.
///
/// Times are means over the threads, so that those of the layers and of the parts add up to the step's.
public struct ProfileReport: Codable, Sendable {
    /// The steps that were measured.
    public struct Step: Codable, Sendable {
        public var count: Int
        /// The time that passes from one step to the next.
        public var seconds: Double
        public var threads: Int

        /// A share of the step from a sum over steps and threads.
        fileprivate func share(_ time: Duration) -> Double {
            time / .seconds(1) / (seconds * Double(count * threads))
        }
    }

    /// One direction of a layer.
    public struct Pass: Codable, Sendable {
        public var seconds: Double
        /// Of the step.
        public var share: Double
        /// Two for each multiply-add of the layer's definition, whatever the algorithm.
        public var operations: Int
        /// What must be read or written once.
        public var bytes: Int
        /// Of all threads together while they are at it, and as a share of the roof; nil where no operations are
        /// counted.
        public var gigaflops: Double?
        public var roofShare: Double?
        /// The time that the roof allows, and which side of it: see `MachineRoof.leastTime`.
        public var leastSeconds: Double
        public var limit: MachineRoof.Limit
    }

    /// A layer; a container without those inside it.
    public struct Layer: Codable, Sendable {
        public var path: String
        public var kind: String
        /// The kinds of the layers after it that it computes too: an activation, and a pool.
        public var fused: [String]
        public var algorithm: String?
        public var isContainer: Bool
        /// Numbers in its parameters, and multiply-adds of a forward pass over one image.
        public var parameters: Int
        public var multiplyAdds: Int
        public var forward: Pass
        /// Nil for inference.
        public var backward: Pass?
    }

    /// What is not in layers.
    public struct Part: Codable, Sendable {
        public var name: String
        public var seconds: Double
        /// Of the step.
        public var share: Double
    }

    public var model: String
    public var input: [Int]
    public var classes: Int
    public var batchSize: Int
    public var isTraining: Bool
    public var backend: Backend
    public var layout: Layout
    /// What the machine can do at most, measured in the same run.
    public var roof: MachineRoof
    public var step: Step
    /// Those that are run, in the order of the network; what has no name counts for its container.
    public var layers: [Layer]
    public var parts: [Part]

    public var imagesPerSecond: Double { Double(batchSize) / step.seconds }

    /// The time that the roof allows all layers together; what is not in layers is not in it.
    public var leastSeconds: Double {
        layers.reduce(0) { $0 + $1.forward.leastSeconds + ($1.backward?.leastSeconds ?? 0) }
    }

    /// - Parameter shardSize: images that a thread works on at once.
    init(
        _ profile: ExecutorProfile, of network: Network, model: any Model, isTraining: Bool, batchSize: Int,
        shardSize: Int, step: Step, roof: MachineRoof
    ) {
        self.model = model.variantName
        input = network.input.extents
        classes = model.classes
        self.batchSize = batchSize
        self.isTraining = isTraining
        backend = network.backend
        layout = network.layout
        self.step = step
        self.roof = roof

        var rows: [Row] = []
        var places: [String: Int] = [:]
        // The row of the layer that was run last, which computes those that are fused with it.
        var last = 0
        for time in profile.layers {
            let layer = time.layer
            if layer.placement == .fused { rows[last].fused.append(layer.layer.kind) }
            guard !layer.isSkipped else { continue }
            let place = places[layer.path, default: rows.count]
            if place == rows.count {
                places[layer.path] = place
                rows.append(Row(layer: layer))
            }
            rows[place].add(time, images: batchSize, shard: shardSize, roof: roof)
            last = place
        }
        layers = rows.map { $0.report(step, roof, isTraining: isTraining) }

        let waiting = Duration.seconds(step.seconds * Double(step.count * step.threads)) - profile.total
        let parts = [
            ("loading images", profile.loading), ("loss", profile.loss),
            ("clearing, dealing", profile.dealing), ("gradient sums", profile.reduction),
            ("update", profile.update), ("preparing weights", profile.preparation), ("waiting", waiting),
        ]
        // Inference has fewer of them.
        self.parts = parts.filter { $0.1 != .zero }.map { name, time in
            let share = step.share(time)
            return Part(name: name, seconds: share * step.seconds, share: share)
        }
    }

    /// The sums over a layer and what it holds without a name.
    private struct Row {
        let layer: PlannedLayer
        var fused: [String] = []
        var parameters = 0
        var multiplyAdds = 0
        var times = (forward: Duration.zero, backward: Duration.zero)
        var costs = (forward: RowCost(), backward: RowCost())

        init(layer: PlannedLayer) { self.layer = layer }

        mutating func add(_ time: ExecutorProfile.LayerTime, images: Int, shard: Int, roof: MachineRoof) {
            let layer = time.layer
            parameters += layer.parameters.reduce(0) { $0 + $1.count }
            multiplyAdds += layer.forwardCost(images: 1).operations / 2
            times.forward += time.forward
            times.backward += time.backward
            costs.forward.add(
                layer.forwardCost(images: images), footprint: layer.forwardCost(images: shard).bytes, roof)
            // A layer below all that are trained is not run backward.
            guard time.backward > .zero else { return }
            func cost(_ images: Int) -> PassCost {
                layer.backwardCost(images: images, hasInputGradient: time.hasInputGradient)
            }
            costs.backward.add(cost(images), footprint: cost(shard).bytes, roof)
        }

        func report(_ step: Step, _ roof: MachineRoof, isTraining: Bool) -> Layer {
            Layer(
                path: layer.path, kind: layer.layer.kind, fused: fused, algorithm: layer.algorithm,
                isContainer: !layer.children.isEmpty, parameters: parameters, multiplyAdds: multiplyAdds,
                forward: Pass(times.forward, costs.forward, of: step, roof),
                backward: isTraining ? Pass(times.backward, costs.backward, of: step, roof) : nil)
        }
    }

    /// What passes of the layers of a row do, and the least time that takes, by what bounds it.
    fileprivate struct RowCost {
        var cost = PassCost()
        var leastSeconds: [MachineRoof.Limit: Double] = [:]

        mutating func add(_ other: PassCost, footprint: Int, _ roof: MachineRoof) {
            cost.operations += other.operations
            cost.bytes += other.bytes
            let least = roof.leastTime(of: other, footprint: footprint)
            leastSeconds[least.limit, default: 0] += least.seconds
        }
    }
}

extension ProfileReport.Pass {
    fileprivate init(
        _ time: Duration, _ row: ProfileReport.RowCost, of step: ProfileReport.Step, _ roof: MachineRoof
    ) {
        share = step.share(time)
        seconds = share * step.seconds
        operations = row.cost.operations
        bytes = row.cost.bytes
        let (byOperations, byMemory) = (
            row.leastSeconds[.operations] ?? 0, row.leastSeconds[.memory] ?? 0
        )
        leastSeconds = byOperations + byMemory
        limit = byOperations > byMemory ? .operations : .memory
        guard operations > 0, seconds > 0 else { return }
        let rate = Double(operations) / seconds / 1e9
        gigaflops = rate
        roofShare = rate / roof.gigaflops
    }
}
