import ApusFormats

/// How two tensors of one name differ, if they do.
struct TensorComparison {
    /// How far a number may be from `b`: `absolute + relative * |b|`. Whole numbers must be equal.
    struct Tolerance {
        let relative: Double
        let absolute: Double

        func allowed(around b: Double) -> Double {
            // An infinity has no neighbourhood.
            b.isFinite ? absolute + relative * abs(b) : 0
        }
    }

    /// An element of both tensors.
    struct Element {
        let index: [Int]
        let a: Double
        let b: Double
        /// `|a - b|`; infinite where that is no number.
        let error: Double
    }

    enum Difference {
        /// Which of the files has no such tensor.
        case missing(from: String)
        case shape([Int], [Int])
        /// Floating point here, whole numbers there.
        case type(ElementType, ElementType)
        /// So many elements are beyond the tolerance, this one the farthest.
        case values(Element, count: Int)
    }

    let name: String
    /// In the file that has it, the first one's where both do.
    let shape: [Int]
    private(set) var difference: Difference?
    /// The largest error of an element, if elements could be compared.
    private(set) var worstError: Double?
    /// `||a - b|| / ||b||` in the Euclidean norm, and `||a - b||` where b is zero.
    private(set) var relativeNormError: Double?

    /// Compares the tensors of a name, of which at least one must be there.
    init(_ name: String, _ a: FileTensor?, _ b: FileTensor?, _ tolerance: Tolerance) {
        self.name = name
        shape = a?.shape ?? b?.shape ?? []
        guard let a, let b else {
            difference = .missing(from: a == nil ? "A" : "B")
            return
        }
        guard a.shape == b.shape else {
            difference = .shape(a.shape, b.shape)
            return
        }
        guard a.elementType.isFloatingPoint == b.elementType.isFloatingPoint else {
            difference = .type(a.elementType, b.elementType)
            return
        }
        if let a = a.integers, let b = b.integers {
            // The distance is exact where that of doubles would not be.
            let elements = zip(a, b).lazy.map { a, b in
                (a: Double(a), b: Double(b), error: Double(UInt64(bitPattern: max(a, b) &- min(a, b))))
            }
            compare(elements, Tolerance(relative: 0, absolute: 0))
        } else {
            let elements = zip(a.doubles, b.doubles).lazy.map { a, b in
                (a: a, b: b, error: Self.error(a, b))
            }
            compare(elements, tolerance)
        }
    }

    private static func error(_ a: Double, _ b: Double) -> Double {
        if a == b || a.isNaN && b.isNaN { return 0 }
        let error = abs(a - b)
        return error.isNaN ? .infinity : error
    }

    private mutating func compare(
        _ elements: some Sequence<(a: Double, b: Double, error: Double)>, _ tolerance: Tolerance
    ) {
        var (worst, squares, norm) = (0.0, 0.0, 0.0)
        var farthest: (element: Element, excess: Double)?
        var count = 0
        for (index, (a, b, error)) in elements.enumerated() {
            worst = max(worst, error)
            squares += error * error
            if b.isFinite { norm += b * b }
            let excess = error - tolerance.allowed(around: b)
            guard excess > 0 else { continue }
            count += 1
            if excess > farthest?.excess ?? 0 {
                let place = Self.place(of: index, in: shape)
                farthest = (Element(index: place, a: a, b: b, error: error), excess)
            }
        }
        worstError = worst
        relativeNormError = (norm == 0 ? squares : squares / norm).squareRoot()
        difference = farthest.map { .values($0.element, count: count) }
    }

    /// The indices of the element at `position`, the last one running fastest.
    private static func place(of position: Int, in shape: [Int]) -> [Int] {
        var rest = position
        return shape.reversed().map { extent in
            defer { rest /= extent }
            return rest % extent
        }.reversed()
    }
}
