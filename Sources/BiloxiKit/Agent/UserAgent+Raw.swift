import AgentCore
import SIPMessages
import SIPRouting
import SignallingTransport

/// Messages of one's own making, below transactions.
extension UserAgent {
    /// The way to a server.
    public struct Way: Hashable, Sendable, CustomStringConvertible {
        let flow: Flow
        /// Our address and port, as a Via names them: `192.0.2.1:5060`.
        public let local: String
        /// `udp`, `tcp`, `tls`.
        public var transport: String { self.flow.transport.description }
        /// The address and port of the server.
        public var peer: String { self.flow.remote.description }
        /// `udp:192.0.2.1:5060`
        public var description: String { "\(self.transport):\(self.peer)" }
    }

    /// What comes back to a message of one's own making.
    public final class Answers: Sendable {
        private let channel = Channel<TracedMessage>(limit: 256)
        private let engine: Engine
        private let watcher: UInt64

        init(_ engine: Engine, from peer: String) {
            let channel = self.channel
            self.engine = engine
            self.watcher = engine.watch { message in
                if !message.isSent, message.peer == peer { channel.send(message) }
            }
        }

        deinit { self.engine.endWatching(self.watcher) }

        /// The next message that comes from there, of whatever kind; `nil` when none comes in time.
        public func next(before deadline: ContinuousClock.Instant) async -> TracedMessage? {
            let rest = deadline - .now
            guard rest > .zero else { return nil }
            let channel = self.channel
            return await within(rest) { await channel.next() }
        }
    }

    /// The way to the first server that an address leads to.
    ///
    /// - Throws: `SIPError`: `unreachable`, `invalid`.
    public func way(to address: String) async throws -> Way {
        let uri = try self.uri(address, self.engine.account)
        guard let host = self.engine.host, let server = try await self.found(uri).first,
            let flow = host.flow(to: server.transport, server.address)
        else { throw SIPError(.unreachable, "no way leads to \(address)") }
        return Way(flow: flow, local: host.endpoints[Int(flow.endpoint)].address.description)
    }

    /// Sends octets as they are, once, and shows what comes from there afterwards.
    ///
    /// - Throws: `SIPError` when the user agent has ended.
    public func send(_ octets: [UInt8], over way: Way) throws -> Answers {
        guard let host = self.engine.host else { throw SIPError.ended("the user agent has ended") }
        let answers = Answers(self.engine, from: way.peer)
        host.send(octets, over: way.flow)
        return answers
    }

    /// Our Contact for an account, as its registrar can reach us.
    ///
    /// - Throws: `SIPError`: `unreachable`, `invalid`.
    public func ownContact(for account: Account) async throws -> String {
        let parsed = try account.parsed()
        let next = parsed.route?.uri.sip ?? parsed.registrar.sip ?? parsed.aor
        let way = try await self.way(to: next.description)
        let suffix = way.transport == "udp" ? "" : ";transport=\(way.transport)"
        return "sip:\(parsed.aor.rawUser.map { $0 + "@" } ?? "")\(way.local)\(suffix)"
    }
}

extension Account {
    /// The address that its REGISTERs go to: `sip:example.test`.
    ///
    /// - Throws: `SIPError`: `invalid`.
    public var registrarAddress: String {
        get throws { try self.parsed().registrar.description }
    }
}

extension UserAgentSettings {
    /// Whether every encoding that is named is one that we have.
    public var areCodecsKnown: Bool { (try? self.formats()) != nil }
}
