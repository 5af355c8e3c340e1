extension LearningRateSchedule {
    /// Checks that the schedule's numbers make sense.
    ///
    /// - Throws: `LearningRateScheduleError.invalidValue`.
    public func check() throws(LearningRateScheduleError) {
        try ScheduleRange.whole(atLeast: 0).check(warmUpSteps, of: "warm-up")
        switch curve {
        case .constant:
            break
        case .step(let every, let gamma):
            try ScheduleRange.whole(atLeast: 1).check(every, of: "every")
            try ScheduleRange.positive.check(gamma, of: "gamma")
        case .linear(let end):
            try ScheduleRange.rate.check(end, of: "to")
        case .polynomial(let power):
            try ScheduleRange.positive.check(power, of: "power")
        case .cosine(let minimum):
            try ScheduleRange.rate.check(minimum, of: "minimum")
        case .oneCycle(let warmUpFraction, let initialDivisor, let finalDivisor):
            try ScheduleRange.fraction.check(warmUpFraction, of: "warm-up-fraction")
            try ScheduleRange.positive.check(initialDivisor, of: "initial-divisor")
            try ScheduleRange.positive.check(finalDivisor, of: "final-divisor")
        }
    }

    /// Checks the schedule for a run of so many steps, which must go on after the warm-up.
    ///
    /// - Throws: `LearningRateScheduleError.invalidValue`.
    public func check(totalSteps: Int) throws(LearningRateScheduleError) {
        try check()
        let range = ScheduleRange<Int>("less than the \(totalSteps) steps of the run") { $0 < totalSteps }
        if warmUpSteps > 0 { try range.check(warmUpSteps, of: "warm-up") }
    }
}

/// What a parameter of a schedule may be.
struct ScheduleRange<Value: Sendable>: Sendable {
    /// The end of a sentence that begins "must be".
    let requirement: String
    let contains: @Sendable (Value) -> Bool

    init(_ requirement: String, contains: @escaping @Sendable (Value) -> Bool) {
        self.requirement = requirement
        self.contains = contains
    }

    func check(_ value: Value, of parameter: String) throws(LearningRateScheduleError) {
        guard contains(value) else {
            throw .invalidValue("\(value)", parameter: parameter, requirement: requirement)
        }
    }
}

extension ScheduleRange<Int> {
    static func whole(atLeast minimum: Int) -> Self {
        Self("a whole number of at least \(minimum)") { $0 >= minimum }
    }
}

extension ScheduleRange<Double> {
    static let positive = Self("a number greater than 0") { $0 > 0 && $0.isFinite }
    static let fraction = Self("a number between 0 and 1") { (0...1).contains($0) }
    static let rate = Self("a number of at least 0") { $0 >= 0 && $0.isFinite }
}
