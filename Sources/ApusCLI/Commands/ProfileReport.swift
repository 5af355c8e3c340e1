import ApusKernels
import ApusModels
import ApusNN

/// Where the time of a network's steps went: a mean step, each moment of each thread counted once.
///
/// Times are means over the threads, so that those of the layers and of the parts add up to the step's.
package struct ProfileReport: Codable, Sendable {
    /// The steps that were measured.
    package struct Step: Codable, Sendable {
        package var count: Int
        /// The time that passes from one step to the next.
        package var seconds: Double
        package var threads: Int
        /// The most that one thread can do: fused multiply-adds, measured in the same run.
        package var gigaflopsOfOneThread: Double

        /// A share of the step from a sum over steps and threads.
        fileprivate func share(_ time: Duration) -> Double {
            time / .seconds(1) / (seconds * Double(count * threads))
        }
    }

    /// One direction of a layer.
    package struct Pass: Codable, Sendable {
        package var seconds: Double
        /// Of the step.
        package var share: Double
        /// Two for each multiply-add of the layer's definition, whatever the algorithm.
        package var operations: Int
        /// What must be read or written once.
        package var bytes: Int
        /// Of all threads together while they are at it, and as a share of the roof; nil where no operations are
        /// counted.
        package var gigaflops: Double?
        package var roofShare: Double?
    }

    /// A layer; a container without those inside it.
    package struct Layer: Codable, Sendable {
        package var path: String
        package var kind: String
        /// The kinds of the layers after it that it computes too: an activation, and a pool.
        package var fused: [String]
        package var algorithm: String?
        package var isContainer: Bool
        package var forward: Pass
        /// Nil for inference.
        package var backward: Pass?
    }

    /// What is not in layers.
    package struct Part: Codable, Sendable {
        package var name: String
        package var seconds: Double
        /// Of the step.
        package var share: Double
    }

    package var model: String
    package var input: [Int]
    package var classes: Int
    package var batchSize: Int
    package var isTraining: Bool
    package var backend: Backend
    package var layout: Layout
    package var step: Step
    /// Those that are run, in the order of the network; what has no name counts for its container.
    package var layers: [Layer]
    package var parts: [Part]

    var imagesPerSecond: Double { Double(batchSize) / step.seconds }

    init(
        _ profile: ExecutorProfile, of network: Network, model: any Model, isTraining: Bool, batchSize: Int,
        step: Step
    ) {
        self.model = model.variantName
        input = [network.input.height, network.input.width, network.input.channels]
        classes = model.classes
        self.batchSize = batchSize
        self.isTraining = isTraining
        backend = network.backend
        layout = network.layout
        self.step = step

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
            rows[place].add(time, images: batchSize)
            last = place
        }
        layers = rows.map { $0.report(step, isTraining: isTraining) }

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
        var times = (forward: Duration.zero, backward: Duration.zero)
        var costs = (forward: PassCost(), backward: PassCost())

        init(layer: PlannedLayer) { self.layer = layer }

        mutating func add(_ time: ExecutorProfile.LayerTime, images: Int) {
            times.forward += time.forward
            times.backward += time.backward
            costs.forward.add(time.layer.forwardCost(images: images))
            // A layer below all that are trained is not run backward.
            guard time.backward > .zero else { return }
            costs.backward.add(
                time.layer.backwardCost(images: images, hasInputGradient: time.hasInputGradient))
        }

        func report(_ step: Step, isTraining: Bool) -> Layer {
            Layer(
                path: layer.path, kind: layer.layer.kind, fused: fused, algorithm: layer.algorithm,
                isContainer: !layer.children.isEmpty, forward: Pass(times.forward, costs.forward, of: step),
                backward: isTraining ? Pass(times.backward, costs.backward, of: step) : nil)
        }
    }
}

extension PassCost {
    fileprivate mutating func add(_ other: PassCost) {
        operations += other.operations
        bytes += other.bytes
    }
}

extension ProfileReport.Pass {
    fileprivate init(_ time: Duration, _ cost: PassCost, of step: ProfileReport.Step) {
        share = step.share(time)
        seconds = share * step.seconds
        operations = cost.operations
        bytes = cost.bytes
        guard operations > 0, seconds > 0 else { return }
        let rate = Double(operations) / seconds / 1e9
        gigaflops = rate
        roofShare = rate / (step.gigaflopsOfOneThread * Double(step.threads))
    }
}
