import ApusTraining
import Foundation
import Testing

/// The expected rates are those of PyTorch 2.15: `optimizer.param_groups[0]["lr"]` before each step, with
/// `scheduler.step()` after it, for the scheduler of the comment.
struct RateSequence: Sendable, CustomTestStringConvertible {
    var schedule: LearningRateSchedule
    var base: Double
    var rates: [Double]

    var testDescription: String { "\(schedule) in \(rates.count) steps" }

    static let all = [
        // OneCycleLR(optimizer, 0.05, total_steps=10)
        RateSequence(
            schedule: .oneCycle(), base: 0.05,
            rates: [
                0.0020000000000000018, 0.026000000000000002, 0.05, 0.04752423160067369, 0.04058728269748815,
                0.030563101096814465, 0.019437098903185537, 0.00941291730251185, 0.0024759683993263145, 2e-07,
            ]),
        // OneCycleLR(optimizer, 0.1, total_steps=7, pct_start=0.4, div_factor=10, final_div_factor=100)
        RateSequence(
            schedule: .oneCycle(warmUpFraction: 0.4, initialDivisor: 10, finalDivisor: 100), base: 0.1,
            rates: [
                0.009999999999999995, 0.06281416799501185, 0.09944209976994517, 0.08119331560284375,
                0.046317231825358116, 0.013434059002100174, 0.0001,
            ]),
        // OneCycleLR(optimizer, 0.05, total_steps=4, pct_start=0)
        RateSequence(
            schedule: .oneCycle(warmUpFraction: 0), base: 0.05,
            rates: [0.04267769881898557, 0.0250001, 0.007322501181014432, 2e-07]),
        // OneCycleLR(optimizer, 0.05, total_steps=4, pct_start=1)
        RateSequence(
            schedule: .oneCycle(warmUpFraction: 1), base: 0.05,
            rates: [0.0020000000000000018, 0.013999999999999999, 0.038, 0.05]),
        // OneCycleLR(optimizer, 0.05, total_steps=2), and 1
        RateSequence(schedule: .oneCycle(), base: 0.05, rates: [0.04058728269748815, 2e-07]),
        RateSequence(schedule: .oneCycle(), base: 0.05, rates: [2e-07]),
        // StepLR(optimizer, step_size=6, gamma=0.5), an epoch having 3 steps
        RateSequence(
            schedule: .step(every: 2, gamma: 0.5), base: 0.1,
            rates: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025]),
        // LinearLR(optimizer, 1, 0.2, total_iters=8)
        RateSequence(
            schedule: .linear(to: 0.02), base: 0.1, rates: [0.1, 0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03]),
        // PolynomialLR(optimizer, total_iters=8, power=2)
        RateSequence(
            schedule: .polynomial(power: 2), base: 0.1,
            rates: [0.1, 0.0765625, 0.05625, 0.0390625, 0.025, 0.0140625, 0.00625, 0.0015625]),
        // CosineAnnealingLR(optimizer, T_max=8, eta_min=0.001)
        RateSequence(
            schedule: .cosine(minimum: 0.001), base: 0.1,
            rates: [
                0.1, 0.0962320368593087, 0.0855017856687341, 0.06944282990207196, 0.0505,
                0.03155717009792806, 0.0154982143312659, 0.004767963140691306,
            ]),
        // SequentialLR(optimizer, [LinearLR(optimizer, 1 / 4, 1, total_iters=3),
        //                          CosineAnnealingLR(optimizer, T_max=8)], milestones=[4])
        RateSequence(
            schedule: .cosine().warmUp(steps: 4), base: 0.1,
            rates: [
                0.025, 0.05, 0.075, 0.1, 0.1, 0.09619397662556434, 0.08535533905932738, 0.0691341716182545,
                0.05, 0.030865828381745515, 0.014644660940672627, 0.0038060233744356634,
            ]),
        RateSequence(schedule: .constant, base: 0.1, rates: [0.1, 0.1, 0.1]),
    ]

    func rate(at step: Int) -> Double {
        schedule.rate(at: step, of: rates.count, base: base, stepsPerEpoch: 3)
    }
}

@Suite("Learning-rate schedule")
struct LearningRateScheduleTests {
    @Test("Every rate equals PyTorch's", arguments: RateSequence.all)
    func rates(_ sequence: RateSequence) {
        for (step, expected) in sequence.rates.enumerated() {
            let found = sequence.rate(at: step)
            #expect(abs(found - expected) <= 1e-15, "step \(step): \(found), expected \(expected)")
        }
    }

    @Test("A step outside the run has the rate of the nearest one in it", arguments: RateSequence.all)
    func outside(_ sequence: RateSequence) {
        let last = sequence.rates.count - 1
        #expect(sequence.rate(at: last + 1) == sequence.rate(at: last))
        #expect(sequence.rate(at: .max) == sequence.rate(at: last))
        #expect(sequence.rate(at: -1) == sequence.rate(at: 0))
    }

    @Test("The rate is finite where the numbers make no sense", arguments: RateSequence.all.map(\.schedule))
    func degenerate(_ schedule: LearningRateSchedule) {
        let senseless = [schedule, schedule.warmUp(steps: .min), schedule.warmUp(steps: .max)]
        for schedule in senseless + [.step(every: 0)] {
            for total in [-1, 0, 1, 2, 3] {
                for step in 0...3 {
                    #expect(schedule.rate(at: step, of: total, base: 0.1, stepsPerEpoch: 0).isFinite)
                }
            }
        }
    }

    @Test("A one-cycle whose peak is the first step begins there")
    func peakFirst() {
        let schedule = LearningRateSchedule.oneCycle(warmUpFraction: 0.5)
        #expect(schedule.rate(at: 0, of: 2, base: 0.1, stepsPerEpoch: 1) == 0.1)
    }

    @Test(
        "A text is read with its parameters, and the defaults of those it leaves out",
        arguments: [
            ("constant", .constant),
            ("step", .step(every: 3, gamma: 0.1)),
            ("step:gamma=0.5,every=2", .step(every: 2, gamma: 0.5)),
            ("linear", .linear(to: 0)),
            ("linear:to=1e-3", .linear(to: 0.001)),
            ("polynomial:power=0.5", .polynomial(power: 0.5)),
            ("cosine:minimum=0.001,warm-up=500", .cosine(minimum: 0.001).warmUp(steps: 500)),
            ("one-cycle", .oneCycle(warmUpFraction: 0.3, initialDivisor: 25, finalDivisor: 1e4)),
            (
                "one-cycle:warm-up-fraction=0.2,initial-divisor=10,final-divisor=100",
                .oneCycle(warmUpFraction: 0.2, initialDivisor: 10, finalDivisor: 100)
            ),
        ] as [(String, LearningRateSchedule)])
    func reading(text: String, expected: LearningRateSchedule) throws {
        #expect(try LearningRateSchedule(text) == expected)
    }

    @Test("Schedules that make sense are let pass", arguments: RateSequence.all)
    func sensible(_ sequence: RateSequence) throws {
        try sequence.schedule.check()
        try sequence.schedule.check(totalSteps: sequence.rates.count)
    }

    @Test(
        "Numbers that make no sense are refused by name",
        arguments: [
            (.step(every: 0), "every"), (.step(gamma: -.infinity), "gamma"), (.step(gamma: 0), "gamma"),
            (.linear(to: .nan), "to"), (.linear(to: -1), "to"), (.polynomial(power: 0), "power"),
            (.cosine(minimum: .infinity), "minimum"), (.constant.warmUp(steps: -1), "warm-up"),
            (.oneCycle(warmUpFraction: 1.5), "warm-up-fraction"),
            (.oneCycle(initialDivisor: 0), "initial-divisor"),
            (.oneCycle(finalDivisor: .infinity), "final-divisor"),
        ] as [(LearningRateSchedule, String)])
    func senseless(schedule: LearningRateSchedule, parameter: String) {
        let error = #expect(throws: LearningRateScheduleError.self) { try schedule.check() }
        #expect(error?.description.hasPrefix("the schedule's \(parameter) must be a ") == true)
    }

    @Test("A warm-up must be shorter than the run")
    func longWarmUp() throws {
        let schedule = LearningRateSchedule.constant.warmUp(steps: 20)
        try schedule.check(totalSteps: 21)
        let error = #expect(throws: LearningRateScheduleError.self) { try schedule.check(totalSteps: 20) }
        #expect(
            error?.description
                == "the schedule's warm-up must be less than the 20 steps of the run, found '20'")
    }

    @Test("A schedule's text, and its JSON, read back as the same schedule", arguments: RateSequence.all)
    func roundTrip(_ sequence: RateSequence) throws {
        let schedule = sequence.schedule.warmUp(steps: 7)
        #expect(try LearningRateSchedule("\(schedule)") == schedule)
        let data = try JSONEncoder().encode([schedule])
        #expect(try JSONDecoder().decode([LearningRateSchedule].self, from: data) == [schedule])
    }

    @Test("Every name is a schedule's text", arguments: LearningRateSchedule.names)
    func names(_ name: String) throws {
        #expect("\(try LearningRateSchedule(name))".hasPrefix(name))
    }

    @Test(
        "What is no schedule is refused with what would be right",
        arguments: [
            ("one-cylce", "did you mean 'one-cycle'?"),
            ("", "there are constant, step"),
            ("step:gama=0.1", "did you mean 'gamma'?"),
            ("constant:power=2", "'constant' has no parameter 'power' (there are warm-up)"),
            ("step:every=0", "every must be a whole number of at least 1, found '0'"),
            ("step:every=1.5", "every must be a whole number of at least 1, found '1.5'"),
            ("step:gamma=0", "gamma must be a number greater than 0, found '0'"),
            ("step:gamma=nan", "gamma must be a number greater than 0, found 'nan'"),
            ("cosine:minimum=-1", "minimum must be a number of at least 0, found '-1'"),
            ("one-cycle:warm-up-fraction=1.1", "warm-up-fraction must be a number between 0 and 1"),
            ("one-cycle:final-divisor=inf", "final-divisor must be a number greater than 0, found 'inf'"),
            ("constant:warm-up=-1", "warm-up must be a whole number of at least 0, found '-1'"),
            ("step:gamma", "as 'name=value', found 'gamma'"),
            ("step:gamma=", "as 'name=value', found 'gamma='"),
            ("step:=", "as 'name=value', found '='"),
            ("step:gamma=1,gamma=2", "given once, as 'name=value', found 'gamma=2'"),
        ])
    func refusing(text: String, reason: String) {
        let error = #expect(throws: LearningRateScheduleError.self) { try LearningRateSchedule(text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }
}
