import Glibc
import ProxyCore
import SIPMessages
import ServerCore

@testable import SignallingTransport

/// A server for `sip.test` on loopback, each listener on a port of the system's choice.
final class TestServer: Sendable {
    let server: SignallingServer

    init(
        _ transports: [TransportProtocol], ip: IPAddress = .loopback, port: UInt16 = 0, threads: Int = 2,
        streams: StreamSettings = StreamSettings(), dns: SocketAddress? = nil,
        edit: (inout ServerSettings) -> Void = { _ in },
        report: @escaping @Sendable (TransportEvent, Int) -> Void = { _, _ in }
    ) throws {
        let endpoints = transports.map { Endpoint($0, local: SocketAddress(ip, port)) }
        var settings = ServerSettings(
            domains: ["sip.test"], proxy: ProxyConfiguration(endpoints: endpoints), hashKey: SipHashKey(1, 2))
        settings.requiresAuthentication = false
        edit(&settings)
        self.server = try SignallingServer(
            settings: settings, threads: threads, streams: streams,
            resolver: Resolver.Settings(servers: dns.map { [$0] } ?? [], timeout: .seconds(2), readsHostsFile: false),
            seeds: { UInt64.random(in: 0...(.max)) },
            store: { _, _ in true }, report: report)
        try self.server.start()
    }

    deinit { self.server.stop() }

    /// Waits until there are as many connections; ten seconds at most.
    func waitForConnections(_ count: Int) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while self.server.streams.table.connectionCount != count {
            guard ContinuousClock.now < deadline else { throw TimedOut() }
            sched_yield()
        }
    }

    /// Lets a peer that does not read send until the server has closed its connection.
    func flood(_ peer: Peer, with text: String) throws {
        let deadline = ContinuousClock.now + .seconds(10)
        repeat {
            guard ContinuousClock.now < deadline else { throw TimedOut() }
            guard peer.offer(text) else { return }
        } while self.server.streams.table.connectionCount > 0
    }

    /// The address of the listener of this transport.
    func address(_ transport: TransportProtocol) -> SocketAddress {
        self.server.settings.proxy.endpoints.first { $0.transport == transport }?.local ?? SocketAddress(.loopback, 0)
    }
}

/// Requests and responses as text.
enum Text {
    static func request(
        _ method: String, to user: String, uri: String? = nil, from peer: SocketAddress,
        over transport: TransportProtocol, call: String, cseq: Int = 1, branch: String? = nil, fields: [String] = [],
        body: String = ""
    ) -> String {
        let branch = branch ?? "z9hG4bK\(call)\(cseq)\(method)"
        let lines = [
            "\(method) \(uri ?? (method == "REGISTER" ? "sip:sip.test" : "sip:\(user)@sip.test")) SIP/2.0",
            "Via: SIP/2.0/\(transport.viaName) \(peer);branch=\(branch)", "Max-Forwards: 70",
            "From: <sip:\(method == "REGISTER" ? user : "alice")@sip.test>;tag=a\(call)", "To: <sip:\(user)@sip.test>",
            "Call-ID: \(call)", "CSeq: \(cseq) \(method)", "Content-Length: \(body.utf8.count)",
        ]
        return (lines + fields).joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    static func register(
        _ user: String, contact: String, from peer: SocketAddress, over transport: TransportProtocol
    ) -> String {
        self.request(
            "REGISTER", to: user, from: peer, over: transport, call: "r\(user)",
            fields: ["Contact: <\(contact)>;expires=600"])
    }

    /// The response to a request, with its Via, From, Call-ID, CSeq and Record-Route.
    static func response(_ status: String, to request: String, tag: String = "b") -> String {
        var lines = ["SIP/2.0 \(status)"]
        for line in request.split(separator: "\r\n").dropFirst() {
            let name = line.prefix { $0 != ":" }
            switch name {
            case "Via", "From", "Call-ID", "CSeq", "Record-Route": lines.append(String(line))
            case "To": lines.append(line.contains(";tag=") ? String(line) : "\(line);tag=\(tag)")
            default: break
            }
        }
        return (lines + ["Content-Length: 0"]).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// The value of the first field with this name.
    static func field(_ name: String, of message: String) -> String? {
        for line in message.split(separator: "\r\n") where line.hasPrefix("\(name): ") {
            return String(line.dropFirst(name.count + 2))
        }
        return nil
    }

    static func startLine(_ message: String) -> String { String(message.prefix { $0 != "\r\n" }) }
}
