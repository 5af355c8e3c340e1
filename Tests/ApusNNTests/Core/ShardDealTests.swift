import ApusNN
import Testing

/// Each shard belongs to one lane, whatever the passes, and of a multiple of eight shards threads that divide eight have as many.
struct ShardDealTests {
    @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 32, 127])
    func eachShardIsDealtOnceAndInOrder(count: Int) {
        let deal = ShardDeal(images: 3 * count - 1, shardSize: 3)
        let dealt = (0..<deal.laneCount).map { Array(deal.shards(of: $0, in: 0..<count)) }
        #expect(deal.shardCount == count)
        #expect(dealt.allSatisfy { !$0.isEmpty && $0 == $0.sorted() })
        #expect(dealt.flatMap { $0 }.sorted() == Array(0..<count))
    }

    @Test(arguments: [5, 16, 33], [1, 3, 8])
    func passesAddToALaneWhatTheWholeBatchDoes(count: Int, size: Int) {
        let deal = ShardDeal(images: count, shardSize: 1)
        for lane in 0..<deal.laneCount {
            let passes = stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
            let dealt = passes.flatMap { Array(deal.shards(of: lane, in: $0)) }
            #expect(dealt == Array(deal.shards(of: lane, in: 0..<count)))
        }
    }

    /// As `Workers` gives them out where no thread is late.
    @Test(arguments: [16, 32, 128], [1, 2, 4, 8])
    func threadsHaveAsManyShards(count: Int, threads: Int) {
        let deal = ShardDeal(images: count, shardSize: 1)
        var time = [Int](repeating: 0, count: threads)
        for lane in 0..<deal.laneCount {
            time[lane % threads] += Array(deal.shards(of: lane, in: 0..<count)).count
        }
        #expect(time.allSatisfy { $0 == count / threads })
    }

    @Test func theLastFourOfManyShardsHaveLanesOfTheirOwn() {
        let deal = ShardDeal(images: 32, shardSize: 2)
        #expect(deal.laneCount == 12)
        #expect((8..<12).map { Array(deal.shards(of: $0, in: 0..<16)) } == [[12], [13], [14], [15]])
        #expect(ShardDeal(images: 30, shardSize: 2).laneCount == 8)
    }
}
