/// The inputs and initial parameters of the fixtures, which `generate.py` computes by the same formula to the
/// bit.
///
/// Value i of tensor k is `(h / 2^23 - 1) * bound` in Float, with h the upper 24 bits of `SplitMix64.hash(k
/// << 32 | i)` and one rounding, that of the product. Parameters count from 0 in the order weight, bias of
/// each layer; both have the bound `sqrt(gain / fanIn)` rounded to Float.
public enum FormulaWeights {
    /// The number k of the images of the batch, whose bound is 1.
    public static let inputTensor = 65_535
    /// The number k of the first of the vectors that long gradients are multiplied with, whose bound is 1.
    public static let firstProjection = 65_536

    public static func values(tensor k: Int, count: Int, bound: Float) -> [Float] {
        (0..<count).map { unitFloat(SplitMix64.hash(UInt64(k) << 32 | UInt64($0))) * bound }
    }

    /// Parameter k of a layer whose outputs are each the sum of `fanIn` products.
    public static func parameter(_ k: Int, count: Int, fanIn: Int, gain: Double = 1) -> [Float] {
        values(tensor: k, count: count, bound: Float((gain / Double(fanIn)).squareRoot()))
    }

    /// A batch of images in PyTorch's order `[batch, channels, height, width]`.
    public static func images(count: Int) -> [Float] { values(tensor: inputTensor, count: count, bound: 1) }

    /// The label of image i is `i % classes`.
    public static func labels(batch: Int, classes: Int = 10) -> [Int] { (0..<batch).map { $0 % classes } }
}
