import SIPMessages
import ServerCore
import SignallingTransport

/// What a handler may ask the server.
public struct ServerContext: Sendable {
    /// A device of a user.
    public struct Device: Hashable, Sendable {
        /// Its contact: `sip:bob@192.0.2.7:5060`.
        public let uri: String
        /// How much it is preferred, 0 to 1.
        public let q: Double
        /// How long it is registered yet.
        public let expires: Duration
        /// Where it is reached: `udp 192.0.2.7:5060`.
        public let way: String
    }

    let server: SignallingServer

    /// The devices of a user of the server's that can be reached at present, the preferred first.
    ///
    /// A request that is to go to all of them goes to the user's own address: that keeps the connections that they have
    /// registered over, and finds those that come meanwhile.
    public func devices(of address: String) -> [Device] {
        guard let uri = try? Account.uri(address, "the user"),
            let aor = self.server.settings.ownAOR(of: Array(uri.description.utf8))
        else { return [] }
        return self.server.bindings(of: aor).map {
            Device(
                uri: $0.contact, q: Double($0.q.thousandths) / 1_000, expires: .seconds($0.seconds), way: $0.way)
        }
    }
}
