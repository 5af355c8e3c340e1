import ApusKernels
import ApusModels
import ApusNN

/// What networks cost, side by side, and how good they have been found to be.
public struct ModelComparison: Sendable, Codable {
    /// A pass over a batch.
    public struct Time: Sendable, Codable, Hashable {
        /// The least time of all layers by the roofline model; see `MachineRoof`.
        public let leastSeconds: Double
        public let measuredSeconds: Double

        init(_ report: ProfileReport) {
            (leastSeconds, measuredSeconds) = (report.leastSeconds, report.step.seconds)
        }
    }

    /// A network in the comparison.
    public struct Entry: Sendable, Codable, Hashable {
        public let model: String
        /// `[height, width, channels]`.
        public let input: [Int]
        public let classes: Int
        /// Numbers in its parameters.
        public let parameters: Int
        /// Of a forward pass over one image.
        public let multiplyAdds: Int
        /// Its parameters in a file.
        public let weightBytes: Int
        /// What training a batch keeps from forward to backward, inputs and outputs included.
        public let activationBytes: Int
        public let forward: Time
        /// Forward, backward and the update.
        public let step: Time
        public let run: RunResult?
    }

    public let batchSize: Int
    public let threads: Int
    public let backend: Backend
    public let roof: MachineRoof
    public let entries: [Entry]
    /// Runs that no entry shows: of other models, or less accurate ones of these.
    public let otherRuns: [RunResult]

    /// Measures the machine, and then each model: its forward passes, and steps of training by SGD with momentum.
    ///
    /// - Parameters:
    ///   - models: for the images and classes they were designed for; but where a run is known, for those of the run.
    ///   - threads: by default as many as the process may use.
    ///   - steps: to measure of each; by default as many as two seconds take, and at least three.
    ///   - runs: what is known of trained ones; of several of one model the most accurate counts, whatever it was trained
    ///     on.
    ///   - onModel: gets each model's name before it is measured.
    /// - Throws: `PlanningError` where a network cannot be built or the batch is too large; `AllocationError`.
    public init(
        _ models: [any Model], batchSize: Int, threads: Int? = nil, backend: Backend = .preferred,
        steps: Int? = nil, runs: [RunResult] = [], onModel: (String) -> Void = { _ in }
    ) throws {
        let workers = Workers(count: threads)
        let roof = try MachineRoof.measured(on: workers)
        self.batchSize = batchSize
        self.threads = workers.count
        self.backend = backend
        self.roof = roof
        let entries = try models.map { model in
            onModel(model.variantName)
            let run = runs.filter { $0.model == model.variantName }.max { $0.accuracy < $1.accuracy }
            let sized = run.flatMap { ModelCatalog.model(named: $0.model, classes: $0.classes) } ?? model
            let network = try Network(sized, input: run?.input.shape, backend: backend)
            func time(isTraining: Bool) throws -> Time {
                let run = ProfileRun(
                    network, of: sized, batchSize: batchSize, threads: workers.count, isTraining: isTraining,
                    steps: steps)
                return Time(try run.report(roof: roof))
            }
            let summary = try network.summary(batchSize: batchSize, threads: workers.count)
            return Entry(
                model: sized.variantName, input: network.input.extents, classes: sized.classes,
                parameters: summary.parameters, multiplyAdds: summary.multiplyAdds,
                weightBytes: MemoryLayout<Float>.stride * summary.parameters,
                activationBytes: summary.memory.activationBytes, forward: try time(isTraining: false),
                step: try time(isTraining: true), run: run)
        }
        self.entries = entries
        otherRuns = runs.filter { run in !entries.contains { $0.run?.path == run.path } }
    }
}

extension [Int] {
    /// Height, width and channels; nil where these are others.
    fileprivate var shape: Shape? {
        count == 3 ? Shape(height: self[0], width: self[1], channels: self[2]) : nil
    }
}

/// What of a network's cost a chart shows.
public enum CostAxis: String, Sendable, CaseIterable {
    /// Multiply-adds of a forward pass over one image.
    case operations
    /// Measured time of a forward pass for each image of the batch.
    case time
}

extension ModelComparison {
    /// The networks as points: what they cost against their accuracy; where no run is known, against their parameters.
    ///
    /// Where some runs are known, networks without one are left out.
    public func plot(_ axis: CostAxis) -> ScatterPlot {
        let tested = entries.filter { $0.run != nil }
        let shown = tested.isEmpty ? entries : tested
        let points = shown.map { entry in
            let cost =
                switch axis {
                case .operations: Double(entry.multiplyAdds)
                case .time: 1e3 * entry.forward.measuredSeconds / Double(batchSize)
                }
            return ScatterPlot.Point(
                x: cost, y: entry.run?.accuracy ?? Double(entry.parameters), label: entry.model)
        }
        let xTitle =
            switch axis {
            case .operations: "multiply-adds of a forward pass over one image"
            case .time:
                "milliseconds of a forward pass for each image, batch \(batchSize), \(threads) threads"
            }
        var plot = ScatterPlot(
            tested.isEmpty ? "Networks: cost and size" : "Networks: cost and accuracy", xTitle: xTitle,
            yTitle: tested.isEmpty ? "parameters" : "accuracy on the test images", points)
        plot.isXLogarithmic = true
        plot.isYLogarithmic = tested.isEmpty
        plot.greatestY = tested.isEmpty ? .infinity : 1
        return plot
    }
}
