/// One call as plain text: as much of SIP as an answering telephone needs, so that what is measured is the telephone.
struct PlainCaller {
    enum State { case idle, calling, standing, ending }

    private(set) var state = State.idle
    /// The port of the other side's audio.
    private(set) var mediaPort: UInt16 = 0
    private(set) var number = 0
    private var remote = ""
    private var target = ""
    private var last: [UInt8] = []
    private var nextTry: Int64 = 0
    private var tries = 0
    private let ports: (target: UInt16, local: UInt16, media: UInt16)

    private static let again: Int64 = 500_000_000
    private static let mostTries = 20

    init(target: UInt16, local: UInt16, media: UInt16) { self.ports = (target, local, media) }

    private func request(_ method: String, _ sequence: Int, _ uri: String, to: String, body: String = "") -> [UInt8] {
        var lines = [
            "\(method) \(uri) SIP/2.0",
            "Via: SIP/2.0/UDP 127.0.0.1:\(self.ports.local);branch=z9hG4bK\(method)\(self.number)",
            "Max-Forwards: 70", "From: <sip:bench@127.0.0.1:\(self.ports.local)>;tag=\(self.number)", "To: \(to)",
            "Call-ID: \(self.number)@bench", "CSeq: \(sequence) \(method)",
            "Contact: <sip:bench@127.0.0.1:\(self.ports.local)>",
        ]
        if !body.isEmpty { lines.append("Content-Type: application/sdp") }
        lines += ["Content-Length: \(body.utf8.count)", "", body]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// Begins the call with this number; returns what to send.
    mutating func call(_ number: Int, at now: Int64) -> [UInt8] {
        (self.state, self.number, self.tries) = (.calling, number, 0)
        let uri = "sip:bob@127.0.0.1:\(self.ports.target)"
        let body = [
            "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
            "m=audio \(self.ports.media) RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=ptime:20", "",
        ].joined(separator: "\r\n")
        return self.sent(self.request("INVITE", 1, uri, to: "<\(uri)>", body: body), now)
    }

    /// Ends it; returns what to send.
    mutating func hangUp(at now: Int64) -> [UInt8] {
        (self.state, self.tries) = (.ending, 0)
        return self.sent(self.request("BYE", 2, self.target, to: self.remote), now)
    }

    private mutating func sent(_ octets: [UInt8], _ now: Int64) -> [UInt8] {
        (self.last, self.nextTry) = (octets, now + Self.again)
        return octets
    }

    /// What to send again for want of an answer; `false` in `isAlive` when that was in vain too often.
    mutating func wake(at now: Int64) -> (octets: [UInt8]?, isAlive: Bool) {
        guard self.state == .calling || self.state == .ending, now >= self.nextTry else { return (nil, true) }
        self.tries += 1
        guard self.tries < Self.mostTries else {
            self.state = .idle
            return (nil, false)
        }
        return (self.sent(self.last, now), true)
    }

    enum Outcome {
        case nothing, refused, over
        case answered(ack: [UInt8])
    }

    /// Takes a response to a request of the call.
    mutating func take(_ response: PlainMessage) -> Outcome {
        guard let status = response.status, status >= 200 else {
            // It rings: there is nothing to repeat any more.
            if self.state == .calling { self.nextTry = .max }
            return .nothing
        }
        if response.method == "BYE" {
            guard self.state == .ending else { return .nothing }
            self.state = .idle
            return .over
        }
        guard response.method == "INVITE", self.state != .idle else { return .nothing }
        guard status < 300, let port = response.mediaPort else {
            self.state = .idle
            return .refused
        }
        if self.state == .calling {
            (self.state, self.mediaPort, self.remote) = (.standing, port, response.value("To"))
            let contact = response.value("Contact").split(separator: "<").last
            self.target = contact.map { String($0.prefix { $0 != ">" }) } ?? ""
        }
        return .answered(ack: self.request("ACK", 1, self.target, to: self.remote))
    }

    /// The other side has hung up.
    mutating func ended() { self.state = .idle }
}

/// A message of SIP as lines.
struct PlainMessage {
    let lines: [Substring]

    init(_ octets: Span<UInt8>) {
        var text: [UInt8] = []
        for i in 0..<octets.count where octets[i] != 13 { text.append(octets[i]) }
        self.lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The status of a response; `nil` for a request.
    var status: Int? {
        let parts = self.lines[0].split(separator: " ")
        return parts.first == "SIP/2.0" && parts.count > 1 ? Int(parts[1]) : nil
    }

    /// The method, that of the request which a response answers.
    var method: Substring {
        self.status == nil
            ? self.lines[0].prefix { $0 != " " } : self.value("CSeq").split(separator: " ").last.map { $0[...] } ?? ""
    }

    /// The number of the call that it is of.
    var number: Int? { Int(self.value("Call-ID").prefix { $0 != "@" }) }

    func value(_ name: String) -> String {
        let start = name.lowercased() + ":"
        for line in self.lines where line.lowercased().hasPrefix(start) {
            return String(line.dropFirst(start.count).drop { $0 == " " })
        }
        return ""
    }

    /// The port of the audio in its description.
    var mediaPort: UInt16? {
        for line in self.lines where line.hasPrefix("m=audio ") {
            return line.split(separator: " ").dropFirst().first.flatMap { UInt16($0) }
        }
        return nil
    }

    /// 200 for a request.
    var consent: [UInt8] {
        var lines = ["SIP/2.0 200 OK"]
        for line in self.lines {
            let name = line.prefix { $0 != ":" }.lowercased()
            if ["via", "from", "to", "call-id", "cseq"].contains(name) { lines.append(String(line)) }
        }
        return Array((lines + ["Content-Length: 0", "", ""]).joined(separator: "\r\n").utf8)
    }
}
