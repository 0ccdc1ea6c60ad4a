import SIPAuthentication
import SIPMessages
import SIPSimulation
import Testing

/// Those who play the parts of user agents in a printed flow: each sends what the document lets it send, and waits for
/// what the document lets it get.
final class Cast {
    let stage: Stage
    /// By their names in the flow.
    private var peers: [String: ScriptedPeer] = [:]
    /// Who has a password in which realm.
    private let accounts: [Account]
    private var sessions: [String: DigestSession] = [:]
    /// The credentials of the last INVITE, which its ACK has too (RFC 3261 §13.2.2.4).
    private var lastCredentials: [String: [String]] = [:]
    /// Where the flow begins in the ladder.
    private(set) var start = 0

    init(_ stage: Stage, accounts: [Account] = []) {
        (self.stage, self.accounts) = (stage, accounts)
        stage.world.keepsMessages = true
    }

    /// Adds a peer that names itself as in the document.
    @discardableResult
    func add(
        _ name: String, at address: String, _ uri: String, host: String, over transport: TransportProtocol = .udp,
        by proxy: String
    ) throws -> ScriptedPeer {
        let known = self.stage.world.services.dns
        let peer = try self.stage.peer(name, at: address, uri, over: transport, by: proxy)
        // Its domain is where the servers are, and not where the peer is.
        self.stage.world.services.dns = known
        peer.hostName = Host(host)
        peer.asksForPort = false
        self.stage.world.services.dns.add(host, .address(try #require(IPAddress(address))))
        self.peers[name] = peer
        return peer
    }

    /// From here on the ladder is the flow.
    func begins() {
        self.stage.world.run(for: .seconds(1))
        self.start = self.stage.world.ladder.lines.count
    }

    /// Lets a peer be challenged, so that it has credentials from the start: those that the document shows in its first
    /// request.
    func authenticates(_ name: String, to uri: String) throws {
        let peer = try self.peer(name)
        try peer.sends(.options, to: try URI(uri))
        self.learn(try peer.expects(407))
    }

    /// Registers contacts of a peer, with the password that is asked for if any is.
    func registers(_ name: String, _ contacts: [String], as account: Account? = nil) throws {
        let peer = try self.peer(name)
        guard let account else { return try peer.isRegistered(contacts) }
        try peer.registers(contacts)
        let domain = try #require(peer.uri.sip?.host.name)
        let answer = try #require(account.answer(try peer.expects(401), .register, "sip:\(domain)"))
        try peer.registersAgain(contacts) { $0.add(named: "Authorization", answer) }
        try peer.expects(200)
    }

    /// Plays the messages from one number to another; all of them unless said otherwise.
    func play(_ flow: PrintedFlow, from first: String? = nil, to last: String? = nil) throws {
        var isOn = first == nil
        for message in flow.messages where message.repeats == nil {
            isOn = isOn || message.number == first
            if isOn { try self.play(message, of: flow) }
            if message.number == last { break }
        }
    }

    /// Ends the world and compares its ladder with the printed one.
    func ends(as flow: PrintedFlow) throws {
        try self.stage.world.end()
        let differences = flow.differences(from: self.stage.world.ladder, start: self.start)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    func peer(_ name: String) throws -> ScriptedPeer { try #require(self.peers[name]) }

    /// Cuts a peer off: what is sent to it does not arrive, and it sends nothing any more.
    func silences(_ name: String) {
        self.stage.world.partition([name], from: self.stage.world.now)
        self.peers[name] = nil
    }

    /// Lets a peer have another address and name from now on, where it is the same peer to who knows its dialogs.
    func moves(_ name: String, to address: String, host: String) throws {
        let peer = try self.peer(name)
        let ip = try #require(IPAddress(address))
        self.stage.world.services.dns.add(host, .address(ip))
        self.stage.world.move(name, to: SimulatedListener.standard(ip))
        peer.hostName = Host(host)
    }

    // MARK: One message

    private func play(_ message: PrintedMessage, of flow: PrintedFlow) throws {
        let facts = message.facts
        let ends = facts.way.split(separator: ">").map(String.init)
        let method = Method(facts.method)
        // The transaction layers of the peers see to the ACK to a failure, and to 100 Trying.
        let isAutomatic = facts.start == "100" || (method == .ack && !flow.acceptsInvite(numbered: facts.number))
        guard !isAutomatic else { return }
        if let sender = self.peers[ends[0]] {
            try facts.isRequest ? self.send(facts, method, by: sender, named: ends[0]) : self.answer(facts, by: sender)
        }
        if let receiver = self.peers[ends[1]] {
            if facts.isRequest {
                try receiver.expects(method)
            } else {
                let status = StatusCode(try #require(UInt16(facts.start)))
                // A proxy gives up later than 64*T1 after the caller began.
                self.learn(try receiver.expects(status, for: method, within: .seconds(40)))
            }
        }
    }

    private func send(_ facts: MessageFacts, _ method: Method, by peer: ScriptedPeer, named name: String) throws {
        let uri = try URI(String(facts.start.drop { $0 != " " }.dropFirst()))
        let isRepeated = method == .ack && !facts.credentials.isEmpty
        var credentials = isRepeated ? self.lastCredentials[name] ?? [] : []
        for line in facts.credentials where method != .ack {
            let realm = String(line.split(separator: " ").last ?? "")
            credentials.append(try self.credentials(realm, method, uri))
        }
        if method == .invite { self.lastCredentials[name] = credentials }
        let field = facts.credentials.first?.hasPrefix("proxy") == true ? "Proxy-Authorization" : "Authorization"
        func edit(_ request: inout MessageBuilder) {
            if facts.toTag == nil, method != .cancel {
                if method != .register { request.retarget(uri) }
                for route in facts.routes { request.add(named: "Route", "<\(route)>") }
            }
            if method == .register {
                request.set(.to, NameAddress(peer.uri))
                request.remove(.contact)
                for contact in facts.contacts {
                    request.add(named: "Contact", contact == "*" ? "*" : "<\(contact)>")
                }
                if let expires = facts.expires { request.add(named: "Expires", expires) }
            }
            for value in credentials { request.add(named: field, value) }
            Self.setBody(facts, &request)
        }
        if facts.number == "1", facts.toTag == nil, method != .ack, method != .cancel {
            try peer.sends(method, to: uri, edit: edit)
        } else {
            try peer.sends(method, edit: edit)
        }
    }

    private func answer(_ facts: MessageFacts, by peer: ScriptedPeer) throws {
        let status = StatusCode(try #require(UInt16(facts.start)))
        try peer.sends(status, to: Method(facts.method)) { response in
            if (300..<400).contains(status.number) {
                for contact in facts.contacts { response.add(named: "Contact", "<\(contact)>") }
            }
            Self.setBody(facts, &response)
        }
    }

    private static func setBody(_ facts: MessageFacts, _ message: inout MessageBuilder) {
        guard !facts.body.isEmpty else { return }
        let body = facts.body.replacing("\n", with: "\r\n")
        message.setBody(Array(body.utf8), type: MediaType("application", "sdp"))
    }

    // MARK: Credentials

    private func learn(_ response: SIPMessage) {
        for account in self.accounts {
            if let session = account.session(response) { self.sessions[account.domain] = session }
        }
    }

    private func credentials(_ realm: String, _ method: Method, _ uri: URI) throws -> String {
        var session = try #require(self.sessions[realm], "nobody was challenged in the realm \(realm)")
        var value: [UInt8] = []
        let body: [UInt8] = []
        session.writeCredentials(method: method, uri: uri.description, body: body.span, to: &value)
        self.sessions[realm] = session
        return String(decoding: value, as: UTF8.self)
    }
}
