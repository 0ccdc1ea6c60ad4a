import SIPMessages

/// What a scripted peer remembers of a call: enough to write the next request in it (RFC 3261 §12).
struct PeerDialog {
    var callID: String
    var local: NameAddress
    var remote: NameAddress
    /// Where the next request goes: the Contact of the other side.
    var target: URI
    /// Loose routes, the nearest first.
    var routes: [NameAddress] = []
    /// The number of the last request of ours.
    var cseq: UInt32
    /// The number of our INVITE, which its ACK has too.
    var inviteNumber: UInt32 = 0

    /// A call that begins with a request of ours.
    init(callID: String, from local: NameAddress, to remote: URI) {
        (self.callID, self.local, self.remote) = (callID, local, NameAddress(remote))
        (self.target, self.cseq) = (remote, 0)
    }

    /// A call that begins with a request of the other side; `nil` when the request is not complete.
    init?(request: SIPMessage, localTag: String) {
        guard let from = request.first(.from), var to = request.first(.to), let callID = request.first(.callID) else {
            return nil
        }
        if to.tag == nil { to.tag = localTag }
        (self.callID, self.local, self.remote, self.cseq) = (callID.value, to, from, 0)
        self.target = request.first(.contact)?.uri ?? from.uri
        self.routes = request.all(.recordRoute)
    }

    /// A response to a request of ours: its tag, Contact and routes make the dialog (§12.1.2).
    mutating func learn(from response: SIPMessage) {
        guard let status = response.status, status > 100, status.number < 300, let to = response.first(.to) else {
            return
        }
        self.remote = to
        if let contact = response.first(.contact)?.uri { self.target = contact }
        if response.first(.cseq)?.method == .invite { self.routes = response.all(.recordRoute).reversed() }
    }

    /// A request within the call, without Via.
    mutating func request(_ method: Method, contact: URI) -> MessageBuilder {
        let number: UInt32
        switch method {
        case .ack, .cancel: number = self.inviteNumber
        default:
            self.cseq += 1
            number = self.cseq
        }
        if method == .invite { self.inviteNumber = number }
        var builder = MessageBuilder(method, self.target)
        builder.add(.route, self.routes)
        builder.add(.maxForwards, 70)
        builder.add(.from, self.local)
        builder.add(.to, self.remote)
        builder.add(.callID, CallID(self.callID))
        builder.add(.cseq, CSeq(number, method))
        if method != .ack, method != .bye { builder.add(.contact, Contact(contact)) }
        return builder
    }

    /// Where a request goes next: the first route, or the target.
    var nextHop: URI { self.routes.first?.uri ?? self.target }
}
