import ApusFormats
import ApusNN

/// Layers of a network that are factored, each at a rank, in this order: `conv2=8,fc1=20`.
public struct LayerRanks: Sendable, Hashable, CustomStringConvertible {
    public struct Entry: Sendable, Hashable {
        /// The layer's path.
        public let path: String
        public let rank: Int

        public init(path: String, rank: Int) {
            self.path = path
            self.rank = rank
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// More than any layer of sense is wide.
    static let greatestRank = 65_536

    /// Reads `conv2=8,fc1=20`.
    ///
    /// - Throws: `FactoringError.text` where it is no such list.
    public init(parsing text: String) throws(FactoringError) {
        entries = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty, let rank = Int(sides[1]), 1...Self.greatestRank ~= rank
            else { throw .text(String(part)) }
            entries.append(Entry(path: String(sides[0]), rank: rank))
        }
    }

    public var description: String { entries.map { "\($0.path)=\($0.rank)" }.joined(separator: ",") }
}

extension Sequential {
    /// The same layers, but those of `ranks` as two layers each, named `0` and `1` in it: `fc1.0` and `fc1.1`.
    ///
    /// - Throws: `FactoringError` where there is no such layer, or one that cannot be factored, or not at that rank.
    public func factored(_ ranks: LayerRanks) throws(FactoringError) -> Sequential {
        var layers = self
        for entry in ranks.entries { layers = try layers.factored(entry) }
        return layers
    }

    private func factored(_ entry: LayerRanks.Entry) throws(FactoringError) -> Sequential {
        var known: [String] = []
        var found: (rows: Int, columns: Int)?
        let layers = replacing(path: "") { path, layer in
            guard let layer = layer as? any LowRankLayer, layer.isFactorable else { return nil }
            known.append(path)
            guard path == entry.path else { return nil }
            found = layer.weightMatrix
            return layer.factored(rank: entry.rank)
        }
        guard let found else { throw .layer(entry.path, known: known) }
        guard entry.rank <= min(found.rows, found.columns) else {
            throw .rank(entry.rank, layer: entry.path, rows: found.rows, columns: found.columns)
        }
        return layers
    }
}

/// Layers that are to be factored and cannot be.
public enum FactoringError: Error, Sendable, Hashable, CustomStringConvertible {
    case text(String)
    case layer(String, known: [String])
    /// More than the weight, a matrix, can have.
    case rank(Int, layer: String, rows: Int, columns: Int)

    public var description: String {
        switch self {
        case .text(let text):
            return
                "found '\(text)', expected a layer and a rank from 1 to \(LayerRanks.greatestRank), as in fc1=20"
        case .layer(let path, let known):
            let suggestion = NearestName.suggestion(for: path, among: known).map { "; did you mean '\($0)'?" }
            return "no layer \(path) that can be factored" + (suggestion ?? "")
                + "; there are \(known.isEmpty ? "none" : known.joined(separator: ", "))"
        case .rank(let rank, let layer, let rows, let columns):
            return "found a rank of \(rank) for layer \(layer), expected at most \(min(rows, columns)): "
                + "its weight is \(rows)x\(columns)"
        }
    }
}
