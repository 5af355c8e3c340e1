import ApusNN

/// What a stopped run goes on from, beside the classifier that it is saved with.
struct TrainingState: Sendable {
    var progress: TrainingProgress
    var history: [EpochRecord]
    var optimizer: String
    /// The elements of each block of the optimiser, parameter by parameter, in the order of files.
    var blocks: [[[Float]]]
    /// The trained parameters as the optimiser moves them, where the classifier has their average.
    var raw: [[Float]]?
}

extension Trainer {
    /// What the run needs to go on where it is, but the parameters of `tested`.
    var state: TrainingState {
        let network = classifier.network
        return TrainingState(
            progress: progress, history: history, optimizer: configuration.optimizer.name,
            blocks: (0..<configuration.optimizer.stateCount).map { index in
                let block = updater.stateBlock(index)
                return network.trainedParameters.map { network.values(of: $0, in: block) }
            },
            raw: average.map { _ in network.trainedParameters.map { network.values(of: $0) } })
    }

    /// Goes on from a state that was saved; the parameters of `tested` are those saved with it.
    ///
    /// - Throws: `TrainingError.state` where it is of another optimiser or network.
    func restore(_ state: TrainingState) throws {
        guard state.optimizer == configuration.optimizer.name,
            state.blocks.count == configuration.optimizer.stateCount
        else {
            throw TrainingError.state(
                "was saved by \(state.optimizer) with \(state.blocks.count) state blocks, this run uses "
                    + "\(configuration.optimizer.name) with \(configuration.optimizer.stateCount)")
        }
        guard (state.raw != nil) == (average != nil) else {
            throw TrainingError.state(
                average == nil
                    ? "holds averaged weights, this run averages none"
                    : "holds no averaged weights, this run averages them")
        }
        try check(state.progress)
        let network = classifier.network
        for block in state.blocks + (state.raw.map { [$0] } ?? [])
        where block.count != network.trainedParameters.count {
            throw TrainingError.state(
                "holds \(block.count) parameters, the network trains \(network.trainedParameters.count)")
        }
        for (index, block) in state.blocks.enumerated() {
            for (parameter, values) in zip(network.trainedParameters, block) {
                try network.setValues(values, of: parameter, in: updater.stateBlock(index))
            }
        }
        for (parameter, values) in zip(network.trainedParameters, state.raw ?? []) {
            try network.setValues(values, of: parameter)
        }
        updater.forgetShares()
        progress = state.progress
        history = state.history
    }

    private func check(_ at: TrainingProgress) throws {
        guard 0...configuration.epochs ~= at.epoch, 0...stepsPerEpoch ~= at.stepInEpoch,
            at.step == at.epoch * stepsPerEpoch + at.stepInEpoch,
            at.images == min(at.stepInEpoch * executor.batchSize, batch.count), 0...at.images ~= at.correct,
            at.lossSum.isFinite, at.lossWeight.isFinite, (at.lossWeight > 0) == (at.images > 0),
            at.seconds.isFinite, at.seconds > 0 || at.stepInEpoch == 0
        else {
            throw TrainingError.state(
                "is at step \(at.step), after \(at.epoch) epochs and \(at.images) images, which does not fit "
                    + "\(configuration.epochs) epochs of \(batch.count) images in batches of "
                    + "\(executor.batchSize)")
        }
    }
}
