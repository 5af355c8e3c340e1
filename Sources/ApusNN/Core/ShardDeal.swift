/// How the shards of a batch are dealt to lanes: eight take them in turn, but for the last four of sixteen and more, which have
/// lanes of their own.
///
/// A thread takes a whole lane. Two, four or eight threads have as many shards each, and one that is late leaves the last lanes to
/// others, a shard at a time.
package struct ShardDeal {
    package let shards: Int

    package init(images: Int, shardSize: Int) { shards = Executor.shardCount(images, shardSize) }

    package static let greatestTurn = 8

    /// Lanes that take shards in turn.
    private var turn: Int { min(shards, Self.greatestTurn) }
    /// The last shards, each with a lane of its own.
    private var singles: Int { shards < 2 * Self.greatestTurn ? 0 : Self.greatestTurn / 2 }

    package var lanes: Int { turn + singles }

    /// The shards of a lane, of those of a pass, in order.
    package func shards(of lane: Int, in pass: Range<Int>) -> StrideTo<Int> {
        let dealt = shards - singles
        if lane >= turn {
            let own = dealt + lane - turn
            return stride(from: own, to: pass.contains(own) ? own + 1 : own, by: 1)
        }
        let first = pass.lowerBound + (lane + turn - pass.lowerBound % turn) % turn
        return stride(from: first, to: min(pass.upperBound, dealt), by: turn)
    }
}
