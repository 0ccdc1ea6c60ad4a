import SIPMessages

/// What the ladder and the invariants need to know of a message.
struct WireFacts {
    /// The method, or the method that a response answers; empty where the octets are no SIP message.
    var method = ""
    /// 0 for a request.
    var status: UInt16 = 0
    var cseq = ""
    var callID = ""
    /// Branch and sent-by of the topmost Via.
    var transaction = ""
    /// What the octets are, as one number.
    var digest: UInt64 = 0
    /// `INVITE 1`, or `180 Ringing INVITE 1`.
    var label: String
    /// What makes it remarkable; empty as a rule.
    var detail = ""

    var isSIP: Bool { !self.method.isEmpty }
    var isRequest: Bool { self.status == 0 && self.isSIP }
    var isProvisional: Bool { (100..<200).contains(self.status) }
    var isFinal: Bool { self.status >= 200 }

    /// The facts of these octets; `index` is lent for reading them.
    init(_ octets: [UInt8], _ index: inout MessageIndex) {
        self.label = "\(octets.count) octets"
        self.digest = SipHash13.hash(octets.span, 0..<octets.count, key: SipHashKey(0, 0))
        do { try index.parse(octets.span) } catch { return }
        let span = octets.span
        guard let cseq = index.value(.cseq), let via = index.value(.via) else { return }
        var top = ViaIndex()
        do { _ = try ViaIndex.parse(span, in: via.range, into: &top) } catch { return }
        self.transaction = span.string(top.branch) + " " + span.string(top.sentBy)
        self.callID = index.value(.callID).map { span.string($0) } ?? ""
        self.status = index.statusCode
        let parts = span.string(cseq).split(whereSeparator: { $0 == " " || $0 == "\t" || $0.isNewline })
        guard let number = parts.first, let method = parts.last, parts.count == 2 else { return }
        self.cseq = String(number)
        self.method = index.isRequest ? span.string(index.methodName) : String(method)
        self.label = "\(self.method) \(number)"
        if !index.isRequest {
            self.label = "\(index.statusCode) \(span.string(index.reasonPhrase)) \(self.label)"
        }
        self.detail = Self.detail(span, index)
    }

    private static func detail(_ octets: Span<UInt8>, _ index: borrowing MessageIndex) -> String {
        guard index.isRequest else { return "" }
        switch index.method {
        case .notify:
            let line = octets.string(index.body).split(whereSeparator: \.isNewline).first ?? ""
            return line.hasPrefix("SIP/2.0 ") ? String(line.dropFirst("SIP/2.0 ".count)) : ""
        case .invite:
            if index.has(.replaces) { return "Replaces" }
            if index.has(.join) { return "Join" }
            return octets.string(index.body).contains("sendonly") ? "hold" : ""
        case .refer:
            if index.has(.targetDialog) { return "Target-Dialog" }
            return ""
        default: return ""
        }
    }
}
