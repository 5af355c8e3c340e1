/// How the shards of a batch are dealt to lanes: up to eight take them in turn, but for the last four of sixteen and more, which
/// have lanes of their own.
///
/// A thread takes a whole lane. Of a multiple of eight shards two, four or eight threads have as many each, and one that is late
/// leaves the last lanes to others, a shard at a time.
package struct ShardDeal {
    package static let greatestTurn = 8

    package let shardCount: Int

    package init(images: Int, shardSize: Int) { shardCount = Executor.shardCount(images, shardSize) }

    /// Lanes that take shards in turn.
    package var turn: Int { min(shardCount, Self.greatestTurn) }
    /// The last shards, each with a lane of its own.
    private var singles: Int { shardCount < 2 * Self.greatestTurn ? 0 : Self.greatestTurn / 2 }

    package var laneCount: Int { turn + singles }

    /// The shards of a lane, of those of a pass, in order.
    package func shards(of lane: Int, in pass: Range<Int>) -> StrideTo<Int> {
        let dealt = shardCount - singles
        if lane >= turn {
            let own = dealt + lane - turn
            return stride(from: own, to: pass.contains(own) ? own + 1 : own, by: 1)
        }
        // The first lanes, whose threads have the single ones too, come last.
        let place = (lane + turn - singles) % turn
        let first = pass.lowerBound + (place + turn - pass.lowerBound % turn) % turn
        return stride(from: first, to: min(pass.upperBound, dealt), by: turn)
    }
}
