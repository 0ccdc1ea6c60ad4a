import Foundation
import ProxyCore
import SIPMessages
import SIPSimulation
import SIPTransactions
import ServerCore
import ServerSimulation
import Testing

@Suite("Hostile input: whatever comes, the server lives, writes only messages, and forgets (RFC 3261 §16, §26.1)")
struct HostileInputTests {
    @Test("Broken calls, registrations and responses leave nothing behind", arguments: 0..<150)
    func survivesAnyone(seed: UInt64) throws {
        var siege = try Siege(seed: seed, requiresAuthentication: false)
        siege.run(steps: 24)
        #expect(siege.violations.isEmpty)
        #expect(siege.server.audit().isClean, "\(siege.server.audit())")
    }

    // The last two claimed an identity within a dialog, and it was believed.
    @Test(
        "A stranger reaches nobody but users, however the request is broken (§16.3, §22.3)",
        arguments: Array(1000..<1150) + [6814, 8610])
    func relaysNothingForStrangers(seed: UInt64) throws {
        var siege = try Siege(seed: seed, requiresAuthentication: true)
        siege.run(steps: 24)
        #expect(siege.violations.isEmpty)
        #expect(siege.server.audit().isClean, "\(siege.server.audit())")
    }
}

/// A server under attack, without a network: what comes out is read at once.
private struct Siege {
    let server: SimulatedServer
    let requiresAuthentication: Bool
    private(set) var violations: [String] = []
    private var generator: HostileGenerator
    private var now = MonotonicInstant.start.advanced(by: .seconds(1))
    private var outbox = Outbox()
    /// The requests that went to the device last, which responses are made from.
    private var relayed: [SIPMessage] = []
    /// What it sent last, for which transport errors are made up.
    private var sent: [Outbox.Message] = []
    private var serial = 0

    private static let device = SocketAddress(IPAddress(v4: 0xC000_02C9), 5060)  // 192.0.2.201
    private static let torture: [[UInt8]] =
        ((try? TortureMessage.names(of: "rfc4475")) ?? []).compactMap { try? TortureMessage($0).octets }

    init(seed: UInt64, requiresAuthentication: Bool) throws {
        self.generator = HostileGenerator(seed: seed)
        self.requiresAuthentication = requiresAuthentication
        let stage = Stage(seed: seed, shards: 2)
        self.server = stage.server()
        // Bob has a device at an address, one behind a Path that leads nowhere, and one whose domain has no address.
        for (user, lines) in [
            ("bob", ["Contact: <sip:bob@192.0.2.201>;q=0.5, <sip:bob2@192.0.2.201>;q=0.5"]),
            ("carol", ["Path: <sip:[2001:db8::1];lr>", "Contact: <sip:c1@192.0.2.201>"]),
            ("carol", ["Contact: <sip:c2@192.0.2.201>"]),
            ("dave", ["Path: <sip:nowhere.invalid;lr>", "Contact: <sip:d1@192.0.2.201>, <sip:d2@192.0.2.201>;q=0.1"]),
        ] {
            let register = self.request("REGISTER", "sip:biloxi.example.com", user: user, ["Supported: path"] + lines)
            self.feed(register, from: Self.device)
        }
        self.violations = []
        guard requiresAuthentication else { return }
        self.server.apply(stage.settings([Place.domain], at: Place.proxy) { $0.requires([.bob]) })
    }

    mutating func run(steps: Int) {
        for _ in 0..<steps {
            let (message, isFromDevice) = self.message()
            let broken = self.generator.mutate(message)
            let source =
                isFromDevice
                ? Self.device
                : SocketAddress(
                    IPAddress(v4: 0xC633_6401 + UInt32(self.generator.number(3))),
                    self.generator.pick([5060, 1, 65535]))
            self.feed(broken, from: source)
            if self.generator.random.chance(0.1) { self.feed(broken, from: source) }
            if self.generator.random.chance(0.05) { self.fail() }
            self.pass(self.generator.random.span(upTo: .milliseconds(self.generator.pick([1, 200, 5000]))))
        }
        self.pass(.seconds(600))
    }

    // MARK: What is sent

    private mutating func message() -> ([UInt8], isFromDevice: Bool) {
        switch self.generator.number(10) {
        case 0: return (self.generator.pick(Self.torture), false)
        case 1, 2, 3: if !self.relayed.isEmpty { return (self.response(), true) }
        case 4: return (self.insideDialog(), false)
        default: break
        }
        let method = self.generator.pick([
            "INVITE", "INVITE", "INVITE", "REGISTER", "OPTIONS", "MESSAGE", "ACK", "BYE", "CANCEL", "SUBSCRIBE",
            "NEWER",
        ])
        let uri = self.generator.pick([
            "sip:bob@biloxi.example.com", "sip:bob@biloxi.example.com", "sip:carol@biloxi.example.com",
            "sip:dave@biloxi.example.com", "sip:biloxi.example.com", "sip:192.0.2.222;lr", "sip:x@192.0.2.99",
            "sip:nowhere.invalid", "tel:+15550100", "sip:x@[2001:db8::7]", "sips:bob@biloxi.example.com",
            "sip:x@192.0.2.99;transport=sctp",
        ])
        var lines = self.generator.random.chance(0.3) ? [self.generator.pick(HostileGenerator.lines)] : []
        if method == "REGISTER" { lines.append("Contact: <sip:b@192.0.2.9>;expires=60") }
        // A CANCEL or ACK follows the INVITE before it.
        if method != "CANCEL", method != "ACK" { self.serial += 1 }
        return (self.request(method, uri, user: self.generator.pick(["bob", "eve"]), lines), false)
    }

    private func request(_ method: String, _ uri: String, user: String, _ lines: [String] = []) -> [UInt8] {
        let header = [
            "\(method) \(uri) SIP/2.0", "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK\(self.serial);rport",
            "Max-Forwards: 70", "From: <sip:\(user)@\(user == "eve" ? "evil.example" : Place.domain)>;tag=1",
            "To: <sip:\(user)@biloxi.example.com>", "Call-ID: \(user)\(self.serial)", "CSeq: 1 \(method)",
        ]
        return Array(((header + lines + ["Content-Length: 0", "", ""]).joined(separator: "\r\n")).utf8)
    }

    /// A request with the Route, and so the mark, that a callee or a stranger who called has learnt, to somebody else.
    private mutating func insideDialog() -> [UInt8] {
        guard let invite = self.relayed.last(where: { !$0.values(named: "Record-Route").isEmpty }) else {
            return self.request("INVITE", Place.bob, user: "eve")
        }
        self.serial += 1
        let tag = self.generator.random.chance(0.5) ? ";tag=2" : ""
        let header = [
            "INVITE sip:+15550100@192.0.2.99 SIP/2.0", "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKd\(self.serial)",
            "From: <sip:eve@evil.example>;tag=1", "To: <sip:x@192.0.2.99>\(tag)", "Max-Forwards: 70", "CSeq: 2 INVITE",
            "Call-ID: \(invite.values(named: "Call-ID").first ?? "")",
        ]
        let routes = invite.values(named: "Record-Route").map { "Route: \($0)" }
        return Array(((header + routes + ["", ""]).joined(separator: "\r\n")).utf8)
    }

    private mutating func response() -> [UInt8] {
        let request = self.generator.pick(self.relayed)
        var lines = ["SIP/2.0 \(self.generator.pick([100, 180, 183, 200, 302, 401, 407, 408, 486, 503, 603, 699])) X"]
        for name in ["Via", "From", "Call-ID", "CSeq", "Record-Route"] {
            lines += request.values(named: name).map { "\(name): \($0)" }
        }
        lines += request.values(named: "To").map { "To: \($0);tag=\(self.generator.number(3))" }
        lines.append("WWW-Authenticate: Digest realm=\"x\",nonce=\"\(self.generator.number(9))\"")
        return Array(((lines + ["Content-Length: 0", "", ""]).joined(separator: "\r\n")).utf8)
    }

    // MARK: What happens

    private mutating func feed(_ octets: [UInt8], from source: SocketAddress) {
        let isStream = self.generator.random.chance(0.2)
        var flow = Flow(endpoint: 0, transport: .udp, remote: source)
        if isStream { flow = Flow(endpoint: 1, transport: .tcp, connection: 7, remote: source) }
        self.server.receive(octets.span, over: flow, at: self.now, into: &self.outbox)
        var index = MessageIndex()
        let isBroken = (try? index.parse(octets.span)) == nil || index.fault != nil
        self.readOutput(mayEchoFault: isBroken)
    }

    /// Lets time pass; a server that asks to be woken without end is stuck.
    private mutating func pass(_ span: TimeSpan) {
        let end = self.now.advanced(by: span)
        var wakes = 0
        while let due = self.server.nextWakeUp, due <= end {
            self.now = Swift.max(self.now, due)
            self.server.wake(at: self.now, into: &self.outbox)
            self.readOutput(mayEchoFault: false)
            wakes += 1
            guard wakes < 20_000 else { return self.violations.append("it is woken for ever") }
        }
        self.now = end
    }

    /// Tells the server that a message which it sent did not arrive.
    private mutating func fail() {
        guard !self.sent.isEmpty else { return }
        let message = self.generator.pick(self.sent)
        self.server.transportFailed(
            message.sender, shard: message.shard, over: message.flow, at: self.now, into: &self.outbox)
        self.readOutput(mayEchoFault: false)
    }

    private mutating func readOutput(mayEchoFault: Bool) {
        let output = self.outbox.octets
        self.sent = Array((self.sent + self.outbox.messages).suffix(8))
        for message in self.outbox.messages {
            let octets = Array(output[message.range.range])
            self.check(octets, to: message.flow, mayEchoFault: mayEchoFault)
        }
        self.outbox.removeAll()
    }

    private mutating func check(_ octets: [UInt8], to flow: Flow, mayEchoFault: Bool) {
        var index = MessageIndex()
        do { try index.parse(octets.span, limits: MessageLimits(headerOctets: 200_000, fields: 2000)) } catch {
            return self.note("no message: \(error)", octets)
        }
        // A refusal gives back the fields of the request as they are.
        if let fault = index.fault, index.isRequest || !mayEchoFault { self.note("\(fault)", octets) }
        if index.startOfMessage != 0, !index.isRequest { self.note("empty lines first", octets) }
        if index.contentLength != index.body.count { self.note("Content-Length is wrong", octets) }
        // A refusal without a transaction can say that one of these was missing.
        let isRefusal = mayEchoFault || [400, 501, 505].contains(index.statusCode)
        for id in [HeaderID.via, .from, .to, .callID, .cseq] where !index.has(id) && !isRefusal {
            self.note("no \(id.name)", octets)
        }
        guard index.isRequest else { return }
        if flow.remote == Self.device {
            if let message = try? SIPMessage(parsing: octets) {
                self.relayed.append(message)
                if self.relayed.count > 8 { self.relayed.removeFirst() }
            }
        } else if self.requiresAuthentication, !index.hasToTag(octets.span) {
            self.note("relayed for a stranger to \(flow.remote)", octets)
        }
        if self.requiresAuthentication, index.has(.pAssertedIdentity) { self.note("an identity is believed", octets) }
    }

    private mutating func note(_ what: String, _ octets: [UInt8]) {
        if self.violations.count < 3 {
            self.violations.append(what + ":\n" + String(decoding: octets.prefix(1500), as: UTF8.self))
        }
    }
}
