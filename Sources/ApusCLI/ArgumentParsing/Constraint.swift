/// A range that an option's value must lie in.
package struct Constraint<Value: Sendable>: Sendable {
    /// The end of a sentence that begins "must be".
    package let requirement: String
    package let isMet: @Sendable (Value) -> Bool
}

extension Constraint where Value: Comparable & ArgumentValue {
    package static func atLeast(_ bound: Value) -> Constraint {
        Constraint(requirement: "at least \(bound.argument)") { $0 >= bound }
    }

    package static func above(_ bound: Value) -> Constraint {
        Constraint(requirement: "greater than \(bound.argument)") { $0 > bound }
    }

    /// Both bounds included.
    package static func between(_ lower: Value, and upper: Value) -> Constraint {
        Constraint(requirement: "between \(lower.argument) and \(upper.argument)") {
            $0 >= lower && $0 <= upper
        }
    }

    /// The lower bound included, the upper one not.
    package static func from(_ lower: Value, below upper: Value) -> Constraint {
        Constraint(requirement: "at least \(lower.argument) and less than \(upper.argument)") {
            $0 >= lower && $0 < upper
        }
    }
}
