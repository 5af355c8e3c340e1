extension [EpochRecord] {
    /// The epochs as comma-separated values: a header, and a row for each; what was not measured is empty.
    package var csv: String {
        let header =
            "epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,images_per_second,seconds\n"
        return header + map { $0.csvRow + "\n" }.joined()
    }
}

extension EpochRecord {
    fileprivate var csvRow: String {
        let numbers = [
            trainLoss, trainAccuracy, testLoss, testAccuracy, learningRate, imagesPerSecond, seconds,
        ]
        return ([String(epoch)] + numbers.map { $0.map { "\($0)" } ?? "" }).joined(separator: ",")
    }
}
