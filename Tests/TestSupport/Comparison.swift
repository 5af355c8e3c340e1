import Testing

/// One place where two arrays differ, by the largest absolute error.
public struct Difference: Sendable, CustomStringConvertible {
    public var index: Int
    public var actual: Double
    public var expected: Double
    /// `|actual - expected|`; infinite where just one is NaN or the two are infinities of different sign.
    public var error: Double

    public var description: String {
        "worst at index \(index): expected \(expected), got \(actual), error \(error)"
    }
}

/// The place of the largest absolute error, the first of equals; nil for empty arrays.
///
/// Equal values, two NaNs among them, have no error. The arrays must be of one length.
public func worstDifference<T: BinaryFloatingPoint>(_ actual: [T], _ expected: [T]) -> Difference? {
    precondition(actual.count == expected.count, "\(actual.count) values compared with \(expected.count)")
    var worst: Difference?
    for index in actual.indices {
        let (a, e) = (Double(actual[index]), Double(expected[index]))
        let isSame = a == e || (a.isNaN && e.isNaN)
        let distance = isSame ? 0 : abs(a - e)
        let error = distance.isNaN ? .infinity : distance
        if worst.map({ error > $0.error }) ?? true {
            worst = Difference(index: index, actual: a, expected: e, error: error)
        }
    }
    return worst
}

/// `||actual - expected|| / ||expected||` in the Euclidean norm, summed in Double; infinite where the arrays
/// differ in length or a value is NaN, and the norm of `actual` itself where `expected` is all zero.
public func relativeNormError<T: BinaryFloatingPoint>(_ actual: [T], _ expected: [T]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0
    var norm = 0.0
    for (a, e) in zip(actual, expected) {
        difference += (Double(a) - Double(e)) * (Double(a) - Double(e))
        norm += Double(e) * Double(e)
    }
    let error = (norm == 0 ? difference : difference / norm).squareRoot()
    return error.isNaN ? .infinity : error
}

/// What keeps the arrays from being equal in length and, value by value, exactly; -0 equals 0, NaN nothing.
public func inequality<T: BinaryFloatingPoint>(_ actual: [T], _ expected: [T]) -> String? {
    if let counts = otherCount(actual, expected) { return counts }
    var differing = 0
    for (a, e) in zip(actual, expected) where a != e { differing += 1 }
    guard differing > 0 else { return nil }
    // Two NaNs are no difference to `worstDifference`, and are one here.
    let worst = worstDifference(actual, expected).map { "\($0)" } ?? ""
    return "\(differing) of \(actual.count) values differ; \(worst)"
}

/// What keeps every absolute error from being at most `absolute + relative * |expected|`.
public func distance<T: BinaryFloatingPoint>(
    _ actual: [T], _ expected: [T], absolute: Double = 0, relative: Double = 0
) -> String? {
    if let counts = otherCount(actual, expected) { return counts }
    var differing = 0
    for (a, e) in zip(actual, expected) where a != e {
        let error = abs(Double(a) - Double(e))
        if !(error <= absolute + relative * abs(Double(e))) { differing += 1 }
    }
    guard differing > 0, let worst = worstDifference(actual, expected) else { return nil }
    return "\(differing) of \(actual.count) values beyond \(absolute) + \(relative) |expected|; \(worst)"
}

/// What keeps `relativeNormError` from being at most `tolerance`.
public func normDistance<T: BinaryFloatingPoint>(
    _ actual: [T], _ expected: [T], tolerance: Double
) -> String? {
    if let counts = otherCount(actual, expected) { return counts }
    let error = relativeNormError(actual, expected)
    guard !(error <= tolerance) else { return nil }
    let worst = worstDifference(actual, expected).map { "\($0)" } ?? ""
    return "relative norm error \(error) exceeds \(tolerance); \(worst)"
}

private func otherCount<T>(_ actual: [T], _ expected: [T]) -> String? {
    actual.count == expected.count ? nil : "expected \(expected.count) values, got \(actual.count)"
}

/// Records an issue where there is an `inequality`.
public func expectEqual<T: BinaryFloatingPoint>(
    _ actual: [T], _ expected: [T], _ context: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    record(inequality(actual, expected), context(), sourceLocation)
}

/// Records an issue where there is a `distance`.
public func expectClose<T: BinaryFloatingPoint>(
    _ actual: [T], _ expected: [T], absolute: Double = 0, relative: Double = 0,
    _ context: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    record(
        distance(actual, expected, absolute: absolute, relative: relative), context(), sourceLocation)
}

/// Records an issue where there is a `normDistance`.
public func expectNormClose<T: BinaryFloatingPoint>(
    _ actual: [T], _ expected: [T], tolerance: Double, _ context: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    record(normDistance(actual, expected, tolerance: tolerance), context(), sourceLocation)
}

private func record(_ failure: String?, _ context: String, _ place: SourceLocation) {
    guard let failure else { return }
    Issue.record(
        Comment(rawValue: context.isEmpty ? failure : "\(context): \(failure)"), sourceLocation: place)
}
