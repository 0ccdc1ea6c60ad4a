import SIPSimulation

/// Breaks messages as an enemy would: seeded, so that a seed that finds something finds it again.
struct HostileGenerator {
    var random: SimulationRandom

    init(seed: UInt64) { self.random = SimulationRandom(seed: seed, purpose: "hostile input") }

    /// A number below `limit`.
    mutating func number(_ limit: Int) -> Int { limit < 2 ? 0 : Int(self.random.next() % UInt64(limit)) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[self.number(elements.count)] }

    /// Lines that stand where a server must do arithmetic, cut ranges or choose a way.
    static let lines: [String] = [
        "Max-Forwards: 0", "Max-Forwards:", "Max-Forwards: 4294967296", "Max-Forwards: -1", "Max-Forwards: 70 x",
        "Max-Breadth: 0", "Max-Breadth:", "Max-Breadth: 99999999999999999999", "Max-Breadth: 1",
        "Content-Length: 99999999999999999999", "Content-Length: 4294967295", "l: 0", "Content-Length:",
        "Contact: *", "m: <sip:bob@192.0.2.201>;q=0.;expires=0", "Contact: <sip:a@[2001:db8::9]>;expires=4294967296",
        "Contact: <sip:x@192.0.2.9>;q=1.001", "Contact: ,", "Contact: <sip:y@192.0.2.9>;reg-id=1;+sip.instance=\"<>\"",
        "Contact: <sip:z@192.0.2.9>;reg-id=4294967297;+sip.instance=\"<urn:x>\"", "Contact: sip:w@192.0.2.9;a=\"\\\"",
        "Expires: 0", "Expires: 99999999999999999999", "Expires:", "Expires: -5",
        "Route: <sip:192.0.2.222;lr>", "Route: <sip:192.0.2.222;lr>,<sip:192.0.2.9;lr>", "Route:   ", "Route: ,",
        "Route: <sip:biloxi.example.com>", "Route: <sip:192.0.2.9>", "Route: <sip:[2001:db8::1];lr>",
        "Route: sip:192.0.2.222;lr\r\n\t, <sip:192.0.2.9:65535;transport=tcp;lr>", "Route: <sip:nowhere.invalid;lr>",
        "Route: <sip:+15550100@192.0.2.99;maddr=192.0.2.98;lr>", "Route: <tel:+15550100>", "Route: <sip:;lr>",
        "Record-Route: <sip:192.0.2.9;lr>", "Path: <sip:[2001:db8::1];lr>", "Path: ,", "Supported: path,outbound,gruu",
        "Via: SIP/2.0/UDP 192.0.2.222:5060;branch=z9hG4bK0123456789abcdef0000000000000000.0123456789abcdef",
        "Via: ,,,", "v: SIP/2.0/UDP [::1]:1;received=;rport=", "Via: SIP / 2.0 / TCP a : 65535 ;rport;received=1.2.3.4",
        "Via: SIP/2.0/UDP 192.0.2.222;branch=z9hG4bK", "Via:", "Via: SIP/2.0/WSS x;rport=1;received=[::1];rport",
        "Proxy-Authorization: Digest", "Proxy-Authorization: Digest realm=\"biloxi.example.com\",nonce=\"\",username=\"\"",
        "Authorization: Digest username=\"bob@\",realm=\"biloxi.example.com\",nc=ffffffffff,nonce=\"0\",uri=\"\"",
        "P-Asserted-Identity: <sip:ceo@biloxi.example.com>", "P-Preferred-Identity: ,", "Require: ,", "Require: 100rel",
        "Proxy-Require: x", "Reason: SIP\r\n ;cause=200", "To: <sip:bob@biloxi.example.com>;tag=", "t: \"", "f:",
        "From: <sip:bob@biloxi.example.com>;tag=x", "Call-ID:", "i: \r\n x", "CSeq: 4294967296 INVITE", "CSeq: 0",
        "Timestamp: 1.2.3", "X", ": y", " folded", "Subject: \r\n\r\n",
    ]

    private static let octets: [UInt8] = [
        0x00, 0x09, 0x0A, 0x0D, 0x20, 0x22, 0x25, 0x2A, 0x2C, 0x2F, 0x30, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x40,
        0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0xFF,
    ]

    /// Breaks a message in a few places.
    mutating func mutate(_ message: [UInt8]) -> [UInt8] {
        var message = message
        for _ in 0..<self.pick([0, 1, 1, 2, 3, 6]) where !message.isEmpty { self.mutateOnce(&message) }
        return message
    }

    private mutating func mutateOnce(_ message: inout [UInt8]) {
        let position = self.number(message.count)
        switch self.number(15) {
        case 0: message[position] = self.pick(Self.octets)
        case 1: message.insert(self.pick(Self.octets), at: position)
        case 2: message.remove(at: position)
        case 3: message.removeSubrange(position..<Swift.min(message.count, position + self.number(40)))
        case 4: message.insert(contentsOf: [0x0D, 0x0A, 0x20], at: position)
        case 5: message.removeLast(self.number(Swift.min(message.count, 8)))
        case 6: message = [0x0D, 0x0A, 0x0D, 0x0A] + message
        case 7: message.insert(contentsOf: [UInt8](repeating: self.pick(Self.octets), count: 300), at: position)
        default: self.mutateLines(&message)
        }
    }

    /// Takes out, doubles, moves and adds lines of the header.
    private mutating func mutateLines(_ message: inout [UInt8]) {
        let end = Self.endOfHeader(message)
        var lines = Self.lines(of: Array(message[..<end]))
        let body = Array(message[end...])
        guard lines.count > 1 else { return }
        let line = 1 + self.number(lines.count - 1)
        let other = 1 + self.number(lines.count - 1)
        switch self.number(12) {
        case 0: lines.remove(at: line)
        case 1: lines.insert(lines[line], at: other)
        case 2: lines.swapAt(line, other)
        case 3: lines.insert(contentsOf: repeatElement(lines[line], count: self.pick([2, 40, 255, 300])), at: line)
        case 4: lines[line] = Array(lines[line].prefix { $0 != 0x3A }) + [0x3A]
        case 5: lines[line] += [UInt8](repeating: 0x61, count: self.pick([200, 4096, 60_000, 66_000]))
        case 6: lines[line] += [0x2C, 0x20] + lines[line].drop { $0 != 0x3A }.dropFirst()
        default: lines.insert(Array(self.pick(Self.lines).utf8), at: other)
        }
        message = Array(lines.joined(separator: [0x0D, 0x0A])) + body
    }

    /// The offset of the CR LF CR LF after the header; the end where there is none.
    private static func endOfHeader(_ message: [UInt8]) -> Int {
        var i = 0
        while i + 3 < message.count {
            if message[i] == 0x0D, message[i + 1] == 0x0A, message[i + 2] == 0x0D, message[i + 3] == 0x0A { return i }
            i += 1
        }
        return message.count
    }

    private static func lines(of header: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = [[]]
        var i = 0
        while i < header.count {
            if header[i] == 0x0D, i + 1 < header.count, header[i + 1] == 0x0A {
                lines.append([])
                i += 2
            } else {
                lines[lines.count - 1].append(header[i])
                i += 1
            }
        }
        return lines
    }
}
