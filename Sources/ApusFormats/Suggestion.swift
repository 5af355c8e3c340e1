/// Guesses which name was meant by a misspelt one.
package enum NearestName {
    /// The candidate nearest to `name`, nil where none is near: more than a third of its letters wrong.
    ///
    /// Upper and lower case are alike; of two equally near, the first is taken.
    package static func suggestion(for name: String, among candidates: some Sequence<String>) -> String? {
        let letters = Array(name.lowercased())
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let other = Array(candidate.lowercased())
            let tolerance = max(1, max(letters.count, other.count) / 3)
            guard abs(letters.count - other.count) <= tolerance else { continue }
            let distance = editDistance(letters, other)
            guard distance <= tolerance, distance < best?.distance ?? .max else { continue }
            best = (candidate, distance)
        }
        return best?.name
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other, no
    /// letter touched twice (Damerau, 1964, "A technique for computer detection and correction of spelling
    /// errors").
    private static func editDistance(_ a: [Character], _ b: [Character]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var current = [i + 1]
            for j in b.indices {
                var distance = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    distance = min(distance, beforePrevious[j - 1] + 1)
                }
                current.append(distance)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[b.count]
    }
}
