import Foundation

/// What a file of TensorBoard's events holds: the protocol buffer `Event`, as far as scalars need it.
package struct EventRecord {
    package enum Content {
        /// Begins every file.
        case version
        /// A run goes on: what other files say of this step and later ones no longer holds.
        case start
        /// Numbers under their tags.
        case scalars([(tag: String, value: Double)])
    }

    package let wallTime: Double
    package let step: Int
    package let content: Content

    /// - Parameter wallTime: seconds since 1970.
    package init(_ content: Content, step: Int, wallTime: Double) {
        self.content = content
        self.step = step
        self.wallTime = wallTime
    }

    /// The event as TFRecord frames it: length, its sum, the message and its sum.
    package var framed: Data {
        let message = self.message.bytes
        var record = Data()
        record.append(fields: UInt64(message.count))
        record.append(fields: CRC32C.masked(record))
        record.append(message)
        record.append(fields: CRC32C.masked(message))
        return record
    }

    private var message: ProtobufMessage {
        var event = ProtobufMessage()
        event.add(1, wallTime)
        if step != 0 { event.add(2, Int64(step)) }
        switch content {
        case .version:
            event.add(3, "brain.Event:2")
        case .start:
            var log = ProtobufMessage()
            log.add(1, Int64(1))  // SessionLog.START
            event.add(7, log)
        case .scalars(let scalars):
            var summary = ProtobufMessage()
            for (tag, value) in scalars {
                var scalar = ProtobufMessage()
                scalar.add(1, tag)
                scalar.add(2, Float(value))
                summary.add(1, scalar)
            }
            event.add(5, summary)
        }
        return event
    }
}
