import Foundation

/// The learning rate as a function of the optimisation step.
///
/// A schedule is a value without state: a run taken up again at any step goes on with the same rates. Steps
/// count from 0. With `t` the step, `T` the number of steps of the run and `base` the base rate, `t / T` is
/// how far the run is. A step beyond the last has the rate of the last.
///
///     let schedule = LearningRateSchedule.cosine(minimum: 1e-4).warmUp(steps: 500)
public struct LearningRateSchedule: Sendable, Equatable {
    /// The course of the rate after any warm-up.
    public enum Curve: Sendable, Equatable {
        /// `base`, always.
        case constant

        /// `base * gamma^floor(epoch / every)`: a drop by `gamma` every so many epochs.
        case step(every: Int, gamma: Double)

        /// `base + (end - base) * t / T`: a straight line from the base rate to the rate `end`.
        case linear(end: Double)

        /// `base * (1 - t / T)^power`.
        case polynomial(power: Double)

        /// `minimum + (base - minimum) * (1 + cos(pi * t / T)) / 2`.
        ///
        /// Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts".
        /// **Deviations**: one descent, no restarts.
        case cosine(minimum: Double)

        /// Half a cosine from `base / initialDivisor` up to `base`, then one down to
        /// `base / initialDivisor / finalDivisor`, which the last step reaches.
        ///
        /// Smith and Topin 2018, "Super-Convergence: Very Fast Training of Neural Networks Using Large
        /// Learning Rates". **Deviations**: two phases of cosines in place of three of straight lines, with
        /// the numbers of PyTorch's `OneCycleLR`; the momentum stays as it is.
        case oneCycle(warmUpFraction: Double, initialDivisor: Double, finalDivisor: Double)
    }

    public var curve: Curve

    /// The number of steps in which the rate rises to the curve's first one: step `t` has `(t + 1) /
    /// warmUpSteps` of it. The curve begins after them, and has the remaining steps for its own.
    ///
    /// Goyal et al. 2017, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour".
    public var warmUpSteps: Int

    public init(_ curve: Curve, warmUpSteps: Int = 0) {
        self.curve = curve
        self.warmUpSteps = warmUpSteps
    }

    /// The learning rate of one step.
    ///
    /// - Parameters:
    ///   - step: The optimisation step, from 0.
    ///   - totalSteps: The number of steps of the whole run.
    ///   - base: The base rate; of `oneCycle`, the peak.
    ///   - stepsPerEpoch: The number of steps of an epoch, for the curve `step`, which counts epochs.
    public func rate(at step: Int, of totalSteps: Int, base: Double, stepsPerEpoch: Int) -> Double {
        let (step, warmUpSteps) = (max(step, 0), max(warmUpSteps, 0))
        let curveSteps = max(totalSteps - warmUpSteps, 1)
        let curveStep = min(max(step - warmUpSteps, 0), curveSteps - 1)
        let rate = curve.rate(at: curveStep, of: curveSteps, base: base, stepsPerEpoch: stepsPerEpoch)
        return step < warmUpSteps ? rate * Double(step + 1) / Double(warmUpSteps) : rate
    }
}

extension LearningRateSchedule.Curve {
    /// The rate of `step`, which is at least 0 and less than `totalSteps`.
    fileprivate func rate(at step: Int, of totalSteps: Int, base: Double, stepsPerEpoch: Int) -> Double {
        let progress = Double(step) / Double(totalSteps)
        switch self {
        case .constant:
            return base
        case .step(let every, let gamma):
            let epoch = step / max(stepsPerEpoch, 1)
            return base * pow(gamma, Double(epoch / max(every, 1)))
        case .linear(let end):
            return base + (end - base) * progress
        case .polynomial(let power):
            return base * pow(1 - progress, power)
        case .cosine(let minimum):
            return halfCosine(from: base, to: minimum, progress)
        case .oneCycle(let warmUpFraction, let initialDivisor, let finalDivisor):
            let initial = base / initialDivisor
            let position = Double(step)
            let last = Double(totalSteps - 1)
            let peak = warmUpFraction * Double(totalSteps) - 1
            if position < peak { return halfCosine(from: initial, to: base, position / peak) }
            if peak >= last { return base }
            return halfCosine(from: base, to: initial / finalDivisor, (position - peak) / (last - peak))
        }
    }
}

/// Half a cosine from `start` at progress 0 to `end` at progress 1.
private func halfCosine(from start: Double, to end: Double, _ progress: Double) -> Double {
    end + (start - end) * (1 + cos(.pi * progress)) / 2
}

extension LearningRateSchedule {
    /// The base rate, always.
    public static let constant = LearningRateSchedule(.constant)

    /// A drop by `gamma` every so many epochs: `Curve.step`.
    public static func step(every epochs: Int = 3, gamma: Double = 0.1) -> LearningRateSchedule {
        LearningRateSchedule(.step(every: epochs, gamma: gamma))
    }

    /// A straight line to the rate `end`: `Curve.linear`.
    public static func linear(to end: Double = 0) -> LearningRateSchedule {
        LearningRateSchedule(.linear(end: end))
    }

    /// A fall to 0 with a power of what remains of the run: `Curve.polynomial`.
    public static func polynomial(power: Double = 2) -> LearningRateSchedule {
        LearningRateSchedule(.polynomial(power: power))
    }

    /// Half a cosine down to the rate `minimum`: `Curve.cosine`.
    public static func cosine(minimum: Double = 0) -> LearningRateSchedule {
        LearningRateSchedule(.cosine(minimum: minimum))
    }

    /// Up to the base rate and down to almost nothing: `Curve.oneCycle`.
    public static func oneCycle(
        warmUpFraction: Double = 0.3, initialDivisor: Double = 25, finalDivisor: Double = 1e4
    ) -> LearningRateSchedule {
        LearningRateSchedule(
            .oneCycle(
                warmUpFraction: warmUpFraction, initialDivisor: initialDivisor, finalDivisor: finalDivisor))
    }

    /// The same curve after a linear rise of so many steps.
    public func warmUp(steps: Int) -> LearningRateSchedule {
        LearningRateSchedule(curve, warmUpSteps: steps)
    }
}
