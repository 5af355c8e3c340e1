import Apus

/// Ends a run once the test images are told apart well enough.
///
/// A callback is any function from what an epoch came to, to whether the run goes on.
struct StopWhenGood {
    let accuracy: Double

    func callAsFunction(_ epoch: EpochRecord) -> Bool {
        let found = epoch.testAccuracy ?? 0
        print("epoch \(epoch.epoch): loss \(epoch.trainLoss), test accuracy \(found)")
        return found < accuracy
    }
}
