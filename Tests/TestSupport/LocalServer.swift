import Foundation
import Synchronization

/// A server of files by HTTP on this machine alone, for as long as it lives; it answers one request at a time.
public final class LocalServer: Sendable {
    /// How it answers.
    public struct Manner: Sendable {
        /// Bytes of a body after which the connection is closed.
        public var cutAfter: Int?
        /// Whether it sends the whole file whatever is asked for.
        public var ignoresRanges = false

        public init() {}
    }

    private struct State {
        var files: [String: Data] = [:]
        var manner = Manner()
        var requests: [String] = []
    }

    /// `http://127.0.0.1:PORT/`.
    public let url: String
    private let listener: Int32
    private let state = Mutex(State())

    public struct NoSocket: Error {}

    public init() throws {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        let descriptor = socket(AF_INET, stream, 0)
        listener = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return bind(descriptor, pointer, length) == 0 && listen(descriptor, 8) == 0
                && getsockname(descriptor, pointer, &length) == 0
        }
        guard descriptor >= 0, isListening else { throw NoSocket() }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
        Thread { [weak self, listener] in
            while true {
                // The server does not live longer for waiting here.
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let server = self else { break }
                server.answer(connection)
                close(connection)
            }
            close(listener)
        }.start()
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Serves `contents` under a name; not found any more where they are nil.
    public func serve(_ contents: Data?, as name: String) { state.withLock { $0.files[name] = contents } }

    public func behave(_ change: (inout Manner) -> Void) { state.withLock { change(&$0.manner) } }

    /// What was asked for so far: `name` or `name from 10`.
    public var requests: [String] { state.withLock { $0.requests } }

    private func answer(_ connection: Int32) {
        // Whoever asks for nothing keeps nobody waiting.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var request = Data()
        while request.firstRange(of: Data("\r\n\r\n".utf8)) == nil {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0, request.count < 1 << 16 else { return }
            request += buffer.prefix(count)
        }
        let lines = String(decoding: request, as: UTF8.self).split(separator: "\r\n")
        let name = String(lines[0].split(separator: " ")[1].dropFirst())
        let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
        let start = range.flatMap { Int($0.drop { $0 != "=" }.dropFirst().prefix { $0.isNumber }) }
        let (file, manner) = state.withLock { state in
            state.requests.append(name + (start.map { " from \($0)" } ?? ""))
            return (state.files[name], state.manner)
        }
        guard let file else {
            return send("404 Not Found", body: Data("there is no such file".utf8), to: connection)
        }
        guard let start, !manner.ignoresRanges else {
            return send("200 OK", body: file, cut: manner.cutAfter, to: connection)
        }
        guard start < file.count else {
            return send("416 Range Not Satisfiable", body: Data(), to: connection)
        }
        send(
            "206 Partial Content", "Content-Range: bytes \(start)-\(file.count - 1)/\(file.count)\r\n",
            body: file.dropFirst(start), cut: manner.cutAfter, to: connection)
    }

    private func send(
        _ status: String, _ header: String = "", body: Data, cut: Int? = nil, to connection: Int32
    ) {
        let head = "HTTP/1.1 \(status)\r\n\(header)Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        var rest = Data(head.utf8) + body.prefix(cut ?? body.count)
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
