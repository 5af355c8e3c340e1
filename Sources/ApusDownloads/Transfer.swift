import CCurl
import Foundation

/// A request for a file by HTTP, or for the rest of one. The only place where libcurl is used.
final class Transfer {
    /// What the server says before it sends anything.
    struct Answer {
        let status: Int
        /// The place in the file of the first byte that comes; nil where the answer does not say.
        let start: Int?
        /// Bytes that are to come; nil where the answer does not say.
        let count: Int?
    }

    /// The transfer did not come to its end, or has not begun.
    struct Failure: Error {
        let reason: String
    }

    private static let isReady = apus_curl_start() == CURLE_OK
    /// Seconds without an answer or a byte, after which nobody waits any longer.
    private static let patience = 60

    private let handle: UnsafeMutableRawPointer
    private let receive: (Answer, UnsafeRawBufferPointer) throws -> Void
    private var start: Int?
    private var error: (any Error)?

    private init(
        _ handle: UnsafeMutableRawPointer, receive: @escaping (Answer, UnsafeRawBufferPointer) throws -> Void
    ) {
        self.handle = handle
        self.receive = receive
    }

    /// Asks for the file at `url` from byte `offset` on, and returns at the end of the answer.
    ///
    /// - Parameter receive: gets the answer's bytes as they come, be it an error's.
    /// - Throws: `Failure` where the answer does not come, or not whole; what `receive` throws.
    static func get(
        _ url: String, from offset: Int, receive: @escaping (Answer, UnsafeRawBufferPointer) throws -> Void
    ) throws -> Answer {
        guard isReady, let handle = curl_easy_init() else { throw Failure(reason: "libcurl does not start") }
        defer { curl_easy_cleanup(handle) }
        let transfer = Transfer(handle, receive: receive)
        return try transfer.run(url, from: offset)
    }

    private func run(_ url: String, from offset: Int) throws -> Answer {
        let context = Unmanaged.passUnretained(self).toOpaque()
        var codes = [
            apus_curl_set_web(handle),
            apus_curl_set_text(handle, CURLOPT_URL, url),
            apus_curl_set_text(handle, CURLOPT_USERAGENT, "apus"),
            apus_curl_set_number(handle, CURLOPT_NOSIGNAL, 1),
            apus_curl_set_number(handle, CURLOPT_FOLLOWLOCATION, 1),
            apus_curl_set_number(handle, CURLOPT_MAXREDIRS, 5),
            apus_curl_set_number(handle, CURLOPT_CONNECTTIMEOUT, Self.patience),
            apus_curl_set_number(handle, CURLOPT_LOW_SPEED_LIMIT, 1),
            apus_curl_set_number(handle, CURLOPT_LOW_SPEED_TIME, Self.patience),
            apus_curl_set_sink(
                handle, CURLOPT_WRITEFUNCTION, { Transfer.sink($0, $1 * $2, $3) { $0.take($1) } },
                CURLOPT_WRITEDATA, context),
            apus_curl_set_sink(
                handle, CURLOPT_HEADERFUNCTION, { Transfer.sink($0, $1 * $2, $3) { $0.takeHeader($1) } },
                CURLOPT_HEADERDATA, context),
        ]
        if offset > 0 { codes.append(apus_curl_set_text(handle, CURLOPT_RANGE, "\(offset)-")) }
        let code = codes.first { $0 != CURLE_OK } ?? curl_easy_perform(handle)
        if let error { throw error }
        guard code == CURLE_OK else { throw Failure(reason: String(cString: curl_easy_strerror(code))) }
        return answer
    }

    private var answer: Answer {
        let length = Int(apus_curl_length(handle))
        return Answer(
            status: apus_curl_status(handle), start: start, count: length < 0 ? nil : length)
    }

    /// Hands bytes that libcurl has received to the transfer they are of.
    private static func sink(
        _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?,
        _ body: (Transfer, UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        guard let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        // Another number than this ends the transfer.
        return body(transfer, UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            try receive(answer, bytes)
            return true
        } catch {
            self.error = error
            return false
        }
    }

    /// Looks for `Content-Range: bytes 5-9/10`.
    private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let line = String(decoding: bytes, as: UTF8.self).lowercased()
        if line.hasPrefix("http/") { start = nil }
        if line.hasPrefix("content-range:"), let range = line.firstRange(of: "bytes ") {
            start = Int(line[range.upperBound...].prefix { $0.isNumber })
        }
        return true
    }
}
