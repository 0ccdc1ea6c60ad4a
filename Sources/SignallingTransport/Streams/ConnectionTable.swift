import NIOConcurrencyHelpers
import SIPMessages

/// All connections by number, and by transport and address (RFC 3261 §18.1.1, §18.2.2).
final class ConnectionTable: @unchecked Sendable {
    // Invariant: everything is touched under `lock`.
    private struct Address: Hashable {
        var transport: TransportProtocol
        var remote: SocketAddress

        init(transport: TransportProtocol, remote: SocketAddress) {
            (self.transport, self.remote) = (transport, remote)
        }

        init(_ connection: StreamConnection) {
            self.init(transport: connection.flow.transport, remote: connection.flow.remote)
        }
    }

    private let lock = NIOLock()
    private let limit: Int
    private var count = 0
    private var lastNumber: UInt32 = 0
    private var byNumber: [UInt32: StreamConnection] = [:]
    private var byTransport: [TransportProtocol: Int] = [:]
    private var byAddress: [Address: StreamConnection] = [:]

    init(limit: Int) { self.limit = limit }

    /// A number for one more connection, never given before; `nil` when there are too many, or no number is left.
    /// Each is given back by `release`.
    func admit() -> UInt32? {
        self.lock.withLock { self.nextNumber() }
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
            self.forget(connection)
        }
    }

    /// Makes a connection known, so that messages can be sent over it.
    func add(_ connection: StreamConnection) {
        self.lock.withLock {
            self.enter(connection)
            self.byAddress[Address(connection)] = connection
        }
    }

    /// Sends nothing more over the connection.
    func remove(_ connection: StreamConnection) {
        self.lock.withLock { self.forget(connection) }
    }

    private func enter(_ connection: StreamConnection) {
        if self.byNumber.updateValue(connection, forKey: connection.flow.connection) == nil {
            self.byTransport[connection.flow.transport, default: 0] += 1
        }
    }

    private func forget(_ connection: StreamConnection) {
        if self.byNumber.removeValue(forKey: connection.flow.connection) != nil {
            self.byTransport[connection.flow.transport, default: 0] -= 1
        }
        let address = Address(connection)
        if self.byAddress[address] === connection { self.byAddress[address] = nil }
    }

    /// The connection a message to `flow` goes over: that with its number, else one to its address, else a new one.
    ///
    /// - Parameter make: Makes a connection with the number given; the caller of this method opens it.
    /// - Returns: `nil` when there is none and must be none.
    func find(_ flow: Flow, make: (UInt32) -> StreamConnection?) -> (connection: StreamConnection, isNew: Bool)? {
        self.lock.withLock {
            if flow.connection != 0, let connection = self.byNumber[flow.connection] { return (connection, false) }
            guard flow.mayConnect else { return nil }
            let address = Address(transport: flow.transport, remote: flow.remote)
            if let connection = self.byAddress[address] { return (connection, false) }
            // A WebSocket server cannot connect to its clients.
            guard flow.transport == .tcp || flow.transport == .tls, let number = self.nextNumber() else { return nil }
            guard let connection = make(number) else {
                self.count -= 1
                return nil
            }
            self.enter(connection)
            self.byAddress[address] = connection
            return (connection, true)
        }
    }

    /// How many connections of a transport can be used, or are being opened.
    func count(of transport: TransportProtocol) -> Int {
        self.lock.withLock { self.byTransport[transport] ?? 0 }
    }

    /// How many connections there are, those included that are being opened.
    var connectionCount: Int { self.lock.withLock { self.count } }
}
