import SIPMessages
import SIPSimulation
import ServerCore

/// The elements of RFC 3665 §1.3: Proxy 1 of atlanta.example.com, Proxy 2 of biloxi.example.com and Proxy 3 of
/// chicago.example.com, all of them our servers, with Alice and Bob.
struct Neighbours {
    let stage: Stage
    let cast: Cast
    let transport: TransportProtocol

    static let ss1 = "192.0.2.111"
    static let ss2 = "192.0.2.222"
    static let ss3 = "192.0.2.233"
    /// Alice, as a user of Bob's domain.
    static let guest = Account(username: "alice", domain: "biloxi.example.com", password: "biloxi")

    /// - Parameter transport: Of the whole way.
    init(shards: Int = 1, over transport: TransportProtocol = .udp) {
        self.stage = Stage(shards: shards)
        self.cast = Cast(self.stage, accounts: [.alice, Self.guest])
        self.transport = transport
    }

    /// Adds Proxy 1, which asks Alice for her password.
    func addProxy1() {
        self.stage.namedServer(
            "ss1", "ss1.atlanta.example.com", at: Self.ss1, "atlanta.example.com", over: self.transport
        ) { $0.requires([.alice]) }
    }

    /// Adds Proxy 2 and Bob, who has registered there.
    ///
    /// - Parameter asks: Whether it asks for a password also those who are of another domain.
    func addProxy2(
        asks: Bool = false, binding: String = "<sip:bob@client.biloxi.example.com>",
        _ edit: (inout ServerSettings) -> Void = { _ in }
    ) throws {
        self.stage.namedServer(
            "ss2", "ss2.biloxi.example.com", at: Self.ss2, "biloxi.example.com", over: self.transport
        ) {
            $0.requires([.bob, Self.guest])
            if asks { $0.inbound = .users }
            edit(&$0)
        }
        try self.cast.add(
            "bob", at: "192.0.2.201", Place.bob, host: "client.biloxi.example.com", over: self.transport, by: Self.ss2)
        try self.cast.registers("bob", [binding], as: .bob)
    }

    /// Adds Alice, who sends what has no route to the proxy at an address.
    func addAlice(by proxy: String) throws {
        try self.cast.add(
            "alice", at: "192.0.2.101", "sip:alice@atlanta.example.com", host: "client.atlanta.example.com",
            over: self.transport, by: proxy)
    }

    /// Alice, Proxy 1, Proxy 2 and Bob.
    static func all(shards: Int = 1, over transport: TransportProtocol = .udp, asks: Bool = false) throws -> Neighbours
    {
        let neighbours = Neighbours(shards: shards, over: transport)
        neighbours.addProxy1()
        try neighbours.addProxy2(asks: asks)
        try neighbours.addAlice(by: Self.ss1)
        neighbours.cast.begins()
        return neighbours
    }
}
