/// The gradient of `function` at `point` by central differences, `(f(x + h) - f(x - h)) / 2h` in each
/// coordinate.
///
/// The error is of the order `step^2` from the curvature plus `1e-16 / step` from rounding, so a step near
/// 1e-5 serves functions of order 1; where a kink lies within a step the result means nothing.
public func centralDifferences(
    of function: ([Double]) throws -> Double, at point: [Double], step: Double = 1e-5
) rethrows -> [Double] {
    var probe = point
    var gradient: [Double] = []
    for i in point.indices {
        probe[i] = point[i] + step
        let above = try function(probe)
        probe[i] = point[i] - step
        let below = try function(probe)
        probe[i] = point[i]
        gradient.append((above - below) / (2 * step))
    }
    return gradient
}
