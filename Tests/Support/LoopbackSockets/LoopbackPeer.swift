public import Foundation
public import SIPMessages

/// A UDP socket on loopback that sends what it is told and reads what comes, for tests with real servers.
public final class LoopbackPeer: Sendable {
    private let descriptor: Int32
    /// Its port.
    public let port: UInt16

    /// A socket on a port of the system's choice.
    ///
    /// - Parameter patience: How many seconds it waits for a message.
    /// - Throws: when there is none.
    public init(patience: Int = 20) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw CocoaError(.fileReadUnknown) }
        self.port = UInt16(bigEndian: address.sin_port)
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    /// The address of a port.
    public static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Sends a request: start line, a Via of its own, then these fields, then the body.
    public func request(
        _ startLine: String, branch: String, _ fields: [String], body: String = "", to port: UInt16
    ) {
        let lines =
            ["\(startLine) SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:\(self.port);branch=z9hG4bK\(branch)"]
            + ["Max-Forwards: 70"] + fields + ["Content-Length: \(body.utf8.count)", "", body]
        self.send(lines.joined(separator: "\r\n"), to: port)
    }

    /// Answers a request over the way it came.
    public func respond(_ status: String, to request: SIPMessage, _ fields: [String] = [], by port: UInt16) {
        var lines = ["SIP/2.0 \(status)"]
        for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
            for value in request.values(named: name) {
                let isUntagged = name == "To" && !value.contains("tag=")
                lines.append("\(name): \(value)" + (isUntagged ? ";tag=callee" : ""))
            }
        }
        self.send((lines + fields + ["Content-Length: 0", "", ""]).joined(separator: "\r\n"), to: port)
    }

    /// Sends a text as it is.
    public func send(_ text: String, to port: UInt16) {
        var address = Self.address(port)
        let octets = Array(text.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(self.descriptor, octets, octets.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The next message for which `isWanted` holds; `nil` when none comes in time.
    public func receive(where isWanted: (SIPMessage) -> Bool) -> SIPMessage? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            if let message = try? SIPMessage(parsing: Array(buffer[..<count])), isWanted(message) { return message }
        }
    }
}
