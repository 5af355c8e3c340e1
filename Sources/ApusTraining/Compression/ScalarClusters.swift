/// Numbers in clusters, each with its mean: k-means in one dimension (Lloyd, 1982, "Least squares quantization in
/// PCM"), from centroids at equal distances. It has no random part.
package struct ScalarClusters {
    /// In ascending order; none is without numbers.
    package let centroids: [Float]

    /// More than it ever takes to settle: each round makes the sum of squares smaller.
    private static let greatestRounds = 1000

    /// - Parameter count: of clusters, at least 1; where fewer numbers are different, each is its own.
    package init(_ values: [Float], count: Int) {
        precondition(count > 0, "\(count) clusters")
        let sorted = values.sorted()
        var different: [Float] = []
        for value in sorted where value != different.last && different.count <= count {
            different.append(value)
        }
        guard different.count > count, let least = sorted.first, let greatest = sorted.last else {
            centroids = different
            return
        }
        // Sums of all numbers before each, so that a round takes no look at the numbers.
        var sums = [0.0]
        for value in sorted { sums.append(sums[sums.count - 1] + Double(value)) }
        var means = (0..<count).map { index in
            let share = count == 1 ? 0.5 : Double(index) / Double(count - 1)
            return Double(least) + share * (Double(greatest) - Double(least))
        }
        var ends: [Int] = []
        for _ in 0..<Self.greatestRounds {
            let new = Self.ends(of: means, sorted)
            guard new != ends else { break }
            ends = new
            for cluster in means.indices {
                let range = (cluster == 0 ? 0 : ends[cluster - 1])..<ends[cluster]
                // A cluster without numbers stays where it is: others may come near.
                guard !range.isEmpty else { continue }
                means[cluster] = (sums[range.upperBound] - sums[range.lowerBound]) / Double(range.count)
            }
        }
        let used = means.indices.filter { ends[$0] > ($0 == 0 ? 0 : ends[$0 - 1]) }
        centroids = used.map { Float(means[$0]) }
    }

    /// Where the numbers of each cluster end: at the middle between its mean and the next.
    private static func ends(of means: [Double], _ sorted: [Float]) -> [Int] {
        means.indices.map { cluster in
            guard cluster + 1 < means.count else { return sorted.count }
            let middle = (means[cluster] + means[cluster + 1]) / 2
            return sorted.firstIndex(inSorted: { Double($0) > middle })
        }
    }

    /// The centroid that is nearest to a number; of two the lower.
    package func nearest(to value: Float) -> Float {
        let above = centroids.firstIndex(inSorted: { $0 >= value })
        guard above > 0 else { return centroids[0] }
        guard above < centroids.count else { return centroids[above - 1] }
        let (lower, upper) = (centroids[above - 1], centroids[above])
        return Double(value) - Double(lower) <= Double(upper) - Double(value) ? lower : upper
    }
}

extension [Float] {
    /// The first index of which `isAbove` is true, in numbers of which it is true from one on; the count where it is of
    /// none.
    fileprivate func firstIndex(inSorted isAbove: (Float) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isAbove(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
