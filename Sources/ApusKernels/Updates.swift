import CVectorKernels
import Foundation

/// The arithmetic of the optimisers, over flat runs of parameters; PyTorch's semantics in each.
///
/// Each takes the gradient times `gradientScale` (of clipping), then adds `weightDecay` times the
/// parameter where the method couples the two.
public enum Updates {
    /// Gradient descent with momentum (Polyak, 1964; Nesterov, 1983, as in Sutskever et al., 2013).
    ///
    ///     v = momentum v + g          w -= rate (nesterov ? g + momentum v : v)
    ///
    /// Starting from v = 0, the first step's v is g, as in PyTorch. Without momentum pass no `velocity`.
    public static func sgd(
        parameters: FloatView, gradients: FloatView, velocity: FloatView?, rate: Float, momentum: Float,
        isNesterov: Bool, weightDecay: Float, gradientScale: Float
    ) {
        precondition(
            gradients.count == parameters.count && velocity?.count ?? parameters.count == parameters.count)
        let (w, g) = unsafe (parameters.base, gradients.base)
        guard let velocity else {
            for index in 0..<parameters.count {
                unsafe w[index] -= rate * (g[index] * gradientScale + weightDecay * w[index])
            }
            return
        }
        let v = unsafe velocity.base
        // Separate loops, since a test inside one keeps it off the vector units.
        if isNesterov {
            for index in 0..<parameters.count {
                let gradient = unsafe g[index] * gradientScale + weightDecay * w[index]
                let speed = unsafe momentum * v[index] + gradient
                unsafe v[index] = speed
                unsafe w[index] -= rate * (gradient + momentum * speed)
            }
        } else {
            for index in 0..<parameters.count {
                let gradient = unsafe g[index] * gradientScale + weightDecay * w[index]
                let speed = unsafe momentum * v[index] + gradient
                unsafe v[index] = speed
                unsafe w[index] -= rate * speed
            }
        }
    }

    /// Moves a running average by a share of the way to the parameters: `a += share (w - a)`.
    public static func average(_ average: FloatView, parameters: FloatView, share: Float) {
        precondition(average.count == parameters.count)
        let (a, w) = unsafe (average.base, parameters.base)
        for index in 0..<average.count { unsafe a[index] += share * (w[index] - a[index]) }
    }

    /// Sets the gradient to zero wherever the parameter is zero, which every optimiser then leaves as it is: what it
    /// remembers of such a place is zero too.
    public static func maskGradients(_ gradients: FloatView, parameters: FloatView) {
        precondition(gradients.count == parameters.count)
        let (g, w) = unsafe (gradients.base, parameters.base)
        for index in 0..<gradients.count { unsafe g[index] = w[index] == 0 ? 0 : g[index] }
    }

    /// Sets each gradient to the sum of all those of its share, so that weights that are equal stay so.
    ///
    /// - Parameters:
    ///   - shares: of each gradient the index of its share.
    ///   - sums: a place for the sum of each share; what is in it is not read.
    public static func addGradients(_ gradients: FloatView, of shares: [Int32], sums: inout [Double]) {
        precondition(shares.count == gradients.count)
        for share in sums.indices { sums[share] = 0 }
        for index in shares.indices { unsafe sums[Int(shares[index])] += Double(gradients.base[index]) }
        for index in shares.indices { unsafe gradients.base[index] = Float(sums[Int(shares[index])]) }
    }

    /// Adam (Kingma and Ba, 2015), and AdamW where the decay is decoupled (Loshchilov and Hutter, 2019).
    ///
    ///     m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
    ///     w -= rate / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon)
    ///
    /// Decoupled, `w` is first multiplied by `1 - rate weightDecay` and the gradient is left alone.
    ///
    /// - Parameter step: t, from 1 on.
    public static func adam(
        parameters: FloatView, gradients: FloatView, firstMoment: FloatView, secondMoment: FloatView,
        step: Int, rate: Double, beta1: Double, beta2: Double, epsilon: Float, weightDecay: Float,
        isDecoupled: Bool, gradientScale: Float
    ) {
        precondition(
            gradients.count == parameters.count && firstMoment.count == parameters.count
                && secondMoment.count == parameters.count && step > 0)
        // 1 - beta is rounded once, from double precision: beta2 is close to 1.
        var constants = apus_adam(
            gradient_scale: gradientScale, weight_decay: isDecoupled ? 0 : weightDecay,
            kept: isDecoupled ? Float(1 - rate * Double(weightDecay)) : 1,
            keep1: Float(beta1), take1: Float(1 - beta1), keep2: Float(beta2), take2: Float(1 - beta2),
            step_size: Float(rate / (1 - pow(beta1, Double(step)))),
            inverse_root: Float(1 / (1 - pow(beta2, Double(step))).squareRoot()), epsilon: epsilon)
        unsafe VectorKernels.current.adam(
            &constants, parameters.count, parameters.base, gradients.base, firstMoment.base,
            secondMoment.base)
    }
}
