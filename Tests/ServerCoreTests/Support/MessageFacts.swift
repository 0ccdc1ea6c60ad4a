/// What of a message is compared with the printed one. Left out are display names, fields that the documents leave out
/// too ("others that would normally be present such as Accept, Supported, Allow, etc are not shown", RFC 3665 §1.3), and
/// `rport`, which is younger (RFC 3581).
struct MessageFacts {
    /// `alice>ss1`.
    var way: String
    /// Method and Request-URI, or the status code.
    var start: String
    /// Transport, sent-by and `received`, topmost first.
    var vias: [String]
    /// The branches, topmost first.
    var branches: [String]
    /// Of a request.
    var maxForwards: String?
    /// The URIs of Route.
    var routes: [String]
    /// The URIs of Record-Route.
    var recordRoutes: [String]
    /// The URIs of From and To, and their tags.
    var from: String, to: String, fromTag: String?, toTag: String?
    var callID: String
    var cseq: String
    /// The URIs of Contact with `expires`.
    var contacts: [String]
    var expires: String?
    /// Field, user and realm.
    var credentials: [String]
    /// Field and realm; a realm counts once, whatever the number of its algorithms (RFC 8760 §2.4).
    var challenges: [String]
    var reasons: [String]
    var contentType: String?
    var body: String

    init(_ text: MessageText, from sender: String, to receiver: String) {
        self.way = "\(sender)>\(receiver)"
        let words = text.start.split(separator: " ")
        let isRequest = !text.start.hasPrefix("SIP/2.0")
        self.start = isRequest ? words.dropLast().joined(separator: " ") : String(words.count > 1 ? words[1] : "")
        let vias = text.list("via").map { ParameterizedText($0) }
        self.vias = vias.map { via in
            let received = via.parameters["received"].map { " received=\($0)" } ?? ""
            let value = via.value.dropFirst("SIP/2.0/".count).lowercased()
            // Without a port it is the transport's own (RFC 3261 §18.2.2).
            let port = value.hasPrefix("tls ") ? ":5061" : ":5060"
            return (value.hasSuffix(port) ? String(value.dropLast(port.count)) : value) + received
        }
        self.branches = vias.map { $0.parameters["branch"] ?? "" }
        self.maxForwards = isRequest ? text.first("max-forwards") : nil
        self.routes = text.list("route").map { Self.route($0) }
        self.recordRoutes = text.list("record-route").map { Self.route($0) }
        let from = ParameterizedText(text.first("from") ?? "")
        let to = ParameterizedText(text.first("to") ?? "")
        (self.from, self.to) = (from.value, to.value)
        (self.fromTag, self.toTag) = (from.parameters["tag"], to.parameters["tag"])
        self.callID = text.first("call-id") ?? ""
        self.cseq = text.first("cseq") ?? ""
        self.contacts = text.list("contact").map { contact in
            let contact = ParameterizedText(contact)
            return contact.value + (contact.parameters["expires"].map { ";expires=\($0)" } ?? "")
        }
        self.expires = text.first("expires")
        self.credentials = ["authorization", "proxy-authorization"].flatMap { name in
            text.lines(name).map { "\(name) \(Self.quoted("username", $0)) \(Self.quoted("realm", $0))" }
        }
        var challenges: [String] = []
        for name in ["www-authenticate", "proxy-authenticate"] {
            for line in text.lines(name) {
                let challenge = "\(name) \(Self.quoted("realm", line))"
                if !challenges.contains(challenge) { challenges.append(challenge) }
            }
        }
        self.challenges = challenges
        self.reasons = text.lines("reason").map { $0.filter { $0 != " " }.lowercased() }
        self.contentType = text.first("content-type")
        self.body = text.body
    }

    /// A route without the token that proves it ours, and without the value of `lr`.
    private static func route(_ text: String) -> String {
        let uri = MessageText.split(ParameterizedText(text).value, at: ";")
        return uri.filter { !$0.hasPrefix("d=") }.joined(separator: ";")
    }

    private static func quoted(_ name: String, _ text: String) -> String {
        guard let start = text.firstRange(of: "\(name)=\"")?.upperBound else { return "" }
        return String(text[start...].prefix { $0 != "\"" })
    }

    /// What must be the same in both messages, with the name of each; tags, Call-ID and branches only by their presence,
    /// since their values are everyone's own.
    var lines: [(name: String, value: String)] {
        [
            ("way", self.way), ("start line", self.start), ("Via", self.vias.joined(separator: ", ")),
            ("Max-Forwards", self.maxForwards ?? ""), ("Route", self.routes.joined(separator: ", ")),
            ("Record-Route", self.recordRoutes.joined(separator: ", ")), ("From", self.from), ("To", self.to),
            ("tag of From", self.fromTag == nil ? "no" : "yes"), ("tag of To", self.toTag == nil ? "no" : "yes"),
            ("CSeq", self.cseq), ("Contact", self.contacts.joined(separator: ", ")), ("Expires", self.expires ?? ""),
            ("credentials", self.credentials.joined(separator: ", ")),
            ("challenges", self.challenges.joined(separator: ", ")), ("Reason", self.reasons.joined(separator: ", ")),
            ("Content-Type", self.contentType ?? ""), ("body", self.body),
        ]
    }

    /// The number in CSeq.
    var number: String { String(self.cseq.prefix { $0 != " " }) }
    /// The method in CSeq.
    var method: String { String(self.cseq.drop { $0 != " " }.dropFirst()) }
    /// Whether it is a request.
    var isRequest: Bool { self.start.contains(" ") }
}
