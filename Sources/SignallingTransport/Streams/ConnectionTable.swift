import NIOConcurrencyHelpers
import SIPMessages
import ServerCore

/// All connections by number, and by transport, address and identity (RFC 3261 §18.1.1, §18.2.2, RFC 5923 §5).
final class ConnectionTable: @unchecked Sendable {
    // Invariant: everything is touched under `lock`, the `addresses` of connections included.

    /// Where a connection leads. Over TLS that is a place together with a domain or address whose certificate was shown,
    /// or is wanted: what is for another domain at the same place goes over another connection (RFC 5923 §8.1, §9.3).
    struct Address: Hashable {
        var transport: TransportProtocol
        var remote: SocketAddress
        /// `nil` without TLS, and for a client that has shown no certificate.
        var identity: Host?
    }

    /// Whether there is room for one more connection.
    enum Admission: Equatable {
        case number(UInt32)
        case full
        case fullForSource
    }

    private let lock = NIOLock()
    private let limit: Int
    private let sourceLimit: Int
    private var count = 0
    private var lastNumber: UInt32 = 0
    private var byNumber: [UInt32: StreamConnection] = [:]
    private var byTransport: [TransportProtocol: Int] = [:]
    private var byAddress: [Address: StreamConnection] = [:]
    /// Connections that came, by where from.
    private var sources: [IPAddress: Int] = [:]

    init(limit: Int, perSource sourceLimit: Int) { (self.limit, self.sourceLimit) = (limit, sourceLimit) }

    /// A number for a connection that came, never given before, unless there are too many. Each is given back by
    /// `release`.
    func admit(from remote: IPAddress) -> Admission {
        self.lock.withLock {
            let source = remote.customer
            guard self.sources[source, default: 0] < self.sourceLimit else { return .fullForSource }
            guard let number = self.nextNumber() else { return .full }
            self.sources[source, default: 0] += 1
            return .number(number)
        }
    }

    private func nextNumber() -> UInt32? {
        guard self.count < self.limit, self.lastNumber < Flow.lostConnection - 1 else { return nil }
        self.count += 1
        self.lastNumber += 1
        return self.lastNumber
    }

    /// The connection with this number will be no more.
    func release(_ connection: StreamConnection) {
        self.lock.withLock {
            self.count -= 1
            if !connection.isOutgoing {
                let source = connection.flow.remote.ip.customer
                let rest = self.sources[source, default: 0] - 1
                self.sources[source] = rest > 0 ? rest : nil
            }
            self.forget(connection)
        }
    }

    /// Makes a connection known, so that messages can be sent over it.
    ///
    /// - Parameter identities: What the certificate of the other side has proved.
    func add(_ connection: StreamConnection, proving identities: CertificateIdentities?) {
        self.lock.withLock {
            self.number(connection)
            self.enter(connection, at: connection.flow.remote, proving: identities)
        }
    }

    /// Lets messages to `address` go over a connection too that came from elsewhere, as its client has asked with `alias`
    /// (RFC 5923 §8.2): for the domains alone that its certificate has proved.
    func addAlias(_ connection: StreamConnection, at address: SocketAddress, proving identities: CertificateIdentities)
    {
        self.lock.withLock {
            guard self.byNumber[connection.flow.connection] === connection else { return }
            self.enter(connection, at: address, proving: identities)
        }
    }

    private func enter(
        _ connection: StreamConnection, at remote: SocketAddress, proving identities: CertificateIdentities?
    ) {
        let transport = connection.flow.transport
        var keys: [Host?] = []
        if remote == connection.flow.remote { keys.append(connection.identity) }
        if transport.isSecure, let identities {
            keys += identities.domains.map { Host($0) } + identities.addresses.map { Host($0) }
        }
        for identity in keys {
            let address = Address(transport: transport, remote: remote, identity: identity)
            // The newest takes the place: the one before it may be dead without our knowing.
            self.byAddress[address] = connection
            connection.addresses.append(address)
        }
    }

    /// Sends nothing more over the connection.
    func remove(_ connection: StreamConnection) {
        self.lock.withLock { self.forget(connection) }
    }

    private func number(_ connection: StreamConnection) {
        if self.byNumber.updateValue(connection, forKey: connection.flow.connection) == nil {
            self.byTransport[connection.flow.transport, default: 0] += 1
        }
    }

    private func forget(_ connection: StreamConnection) {
        if self.byNumber.removeValue(forKey: connection.flow.connection) != nil {
            self.byTransport[connection.flow.transport, default: 0] -= 1
        }
        for address in connection.addresses where self.byAddress[address] === connection {
            self.byAddress[address] = nil
        }
        connection.addresses = []
    }

    /// The connection a message to `flow` goes over: that with its number, else one to its address, else a new one.
    ///
    /// - Parameters:
    ///   - identity: Over TLS, the domain or address that the certificate must be for.
    ///   - make: Makes a connection with the number given; the caller of this method opens it.
    /// - Returns: `nil` when there is none and must be none.
    func find(
        _ flow: Flow, identity: Host?, make: (UInt32) -> StreamConnection?
    ) -> (connection: StreamConnection, isNew: Bool)? {
        self.lock.withLock {
            if flow.connection != 0, let connection = self.byNumber[flow.connection] { return (connection, false) }
            guard flow.mayConnect else { return nil }
            var address = Address(transport: flow.transport, remote: flow.remote, identity: identity)
            if let connection = self.byAddress[address] { return (connection, false) }
            if let identity, identity.address == flow.remote.ip {
                // The URI names no domain but this very place: a client that connected from it is there.
                address.identity = nil
                if let connection = self.byAddress[address] { return (connection, false) }
            }
            return self.create(flow, make).map { ($0, true) }
        }
    }

    /// A new connection to where a flow leads, beside those that are there.
    ///
    /// - Parameter make: As that of `find`.
    /// - Returns: `nil` when there must be none.
    func open(_ flow: Flow, make: (UInt32) -> StreamConnection?) -> StreamConnection? {
        self.lock.withLock { self.create(flow, make) }
    }

    private func create(_ flow: Flow, _ make: (UInt32) -> StreamConnection?) -> StreamConnection? {
        // A WebSocket server cannot connect to its clients.
        guard flow.transport == .tcp || flow.transport == .tls, let number = self.nextNumber() else { return nil }
        guard let connection = make(number) else {
            self.count -= 1
            return nil
        }
        self.number(connection)
        self.enter(connection, at: flow.remote, proving: nil)
        return connection
    }

    /// How many connections of a transport can be used, or are being opened.
    func count(of transport: TransportProtocol) -> Int {
        self.lock.withLock { self.byTransport[transport] ?? 0 }
    }

    /// How many connections there are, those included that are being opened.
    var connectionCount: Int { self.lock.withLock { self.count } }
}
