import LocationService
public import SIPMessages
import SIPTransactions

/// The way in: what is done with a message before any shard is entered (RFC 3261 §18.1.2, §18.2.1).
public struct Reception: Sendable {
    /// What the server is.
    public var settings: ServerSettings

    /// A reception that works by these settings.
    public init(settings: ServerSettings) { self.settings = settings }

    /// Reads a message and leaves it to its shard, or answers it at once when it is broken.
    ///
    /// - Parameters:
    ///   - octets: The message, lent until the workspace has nothing more to do.
    ///   - flow: The way it came.
    ///   - identities: What the certificate of its sender has proved; `nil` when it has shown none.
    public func receive(
        _ octets: Span<UInt8>, over flow: Flow, from identities: CertificateIdentities? = nil,
        into workspace: inout Workspace
    ) {
        workspace.clearPosts()
        workspace.flow = flow
        workspace.identities = identities
        workspace.alias = nil
        workspace.claimedAddress = nil
        workspace.offence = nil
        workspace.provesAddress = false
        workspace.isAbsorbed = false
        guard workspace.admission.note(from: flow.remote.ip) else { return }
        if !flow.transport.isReliable, STUNMessage.isLikely(octets) {
            return self.answerKeepAlive(octets, &workspace)
        }
        do {
            try workspace.index.parse(octets)
        } catch {
            // It is no SIP message. What is short may keep a NAT box's mapping alive.
            if octets.count > Self.longestKeepAlive { workspace.offence = .malformed }
            return
        }
        guard let via = workspace.index.value(.via) else { return }  // Nobody says where an answer is to go.
        do {
            _ = try ViaIndex.parse(octets, in: via.range, into: &workspace.via)
        } catch {
            // A Via that cannot be read, or of another version, says so too: to where the message came from.
            workspace.via = ViaIndex()
            if workspace.index.isRequest { self.refuse(octets, workspace.index.fault ?? error, &workspace) }
            return
        }
        if workspace.admission.countsWork, self.refusesNewWork(octets, &workspace) { return }
        if workspace.index.isRequest {
            workspace.noteAlias(octets)
            self.receiveRequest(octets, &workspace)
        } else if workspace.index.fault == nil, self.settings.isOurs(workspace.via, octets) {
            // A response whose topmost Via is not ours is dropped (§18.1.2).
            self.post(octets, &workspace)
        }
    }

    /// The longest keep-alive of those that phones make up.
    private static let longestKeepAlive = 32

    /// A STUN keep-alive (RFC 5626 §8). What is none, and what wants no answer, is dropped.
    private func answerKeepAlive(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        guard let message = try? STUNMessage(parsing: octets) else { return }
        let start = workspace.outbox.octets.count
        if message.writeAnswer(to: workspace.flow.remote, into: &workspace.outbox.octets) {
            workspace.outbox.send(from: start, over: workspace.flow)
        }
    }

    /// Answers a request of a stream whose end cannot be found, when enough of it can be read: 413 where it is beyond the
    /// limits (RFC 3261 §21.4.11), else 400. The connection is to be closed then.
    ///
    /// - Parameters:
    ///   - header: What was read of the request.
    ///   - flow: The way it came.
    public func refuse(
        header: Span<UInt8>, _ error: SIPParseError, over flow: Flow, into workspace: inout Workspace
    ) {
        workspace.clearPosts()
        workspace.flow = flow
        do {
            try workspace.index.parse(header, framing: .streamHeader)
            guard workspace.index.isRequest, let via = workspace.index.value(.via) else { return }
            _ = try ViaIndex.parse(header, in: via.range, into: &workspace.via)
        } catch {
            return
        }
        let isTooLong = error.code == .tooLong
        self.refuse(
            header, isTooLong ? 413 : 400, error, reason: isTooLong ? "Request Entity Too Large" : "Bad Request",
            &workspace)
    }

    private func receiveRequest(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        if let fault = workspace.index.fault {
            return self.refuse(octets, fault, &workspace)
        }
        do {
            try workspace.index.checkMandatoryFields(octets)
        } catch {
            // A method that differs from CSeq's is an error of the sender, or one that we cannot know (RFC 4475 §3.1.2.18).
            let isUnknown = error.code == .methodMismatch && workspace.index.method == .other
            return self.refuse(octets, isUnknown ? 501 : 400, error, &workspace)
        }
        if workspace.index.method == .ack, self.endsHere(ack: octets, workspace.index) {
            workspace.isAbsorbed = true
            return
        }
        if workspace.index.method == .register, let shard = self.registrarShard(octets, &workspace) {
            workspace.posts.append(.register(shard: shard))
        } else {
            self.post(octets, &workspace)
        }
    }

    /// Whether it is the ACK to a refusal of ours that had no transaction. No shard is entered for it: while there is too
    /// much to do there are as many of them as of refusals.
    private func endsHere(ack octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Bool {
        guard let to = index.value(.to), to.count > 16 else { return false }
        return octets.hexadecimal(at: to.upper - 16) == self.settings.statelessTag(octets, index)
    }

    private func post(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        guard let callID = workspace.index.value(.callID) else { return }
        let hash = SipHash13.hash(octets, callID.range, key: self.settings.hashKey)
        workspace.posts.append(.message(shard: self.settings.shard(of: hash)))
    }

    /// The shard of the AOR that a REGISTER names, when it is for our registrar (§10.3 step 1); its key is left in the mail.
    private func registrarShard(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Int? {
        guard let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range),
            self.settings.isOurs(uri, octets), let to = workspace.index.value(.to),
            let address = try? AddressIndex(parsing: octets, in: to.range, field: .to),
            let aor = try? URIIndex(parsing: octets, in: address.uri.range, field: .to)
        else { return nil }
        let key = self.settings.appendAOR(of: aor, octets, into: &workspace.mail)
        let hash = SipHash13.hash(workspace.mail.span, key.range, key: self.settings.hashKey)
        return self.settings.shard(of: hash)
    }

    private func refuse(_ octets: Span<UInt8>, _ fault: SIPParseError, _ workspace: inout Workspace) {
        let isVersion = fault.code == .unsupportedVersion && fault.field == .startLine
        self.refuse(octets, isVersion ? 505 : 400, fault, &workspace)
    }

    private func refuse(
        _ octets: Span<UInt8>, _ status: UInt16, _ error: SIPParseError, reason: StaticString? = nil,
        _ workspace: inout Workspace
    ) {
        if status == 400 { workspace.offence = .malformed }
        var fields: [UInt8] = []
        fields.append("Warning: 399 biloxi ")
        fields.append(quoted: error.description)
        fields.append("\r\n")
        let standard: StaticString =
            status == 505 ? "Version Not Supported" : status == 501 ? "Not Implemented" : "Bad Request"
        let tag = self.settings.statelessTag(octets, workspace.index)
        workspace.reply(octets, status, reason ?? standard, fields: fields, tag: tag)
    }
}

extension Workspace {
    /// Notes that the sender wants the connection used for requests to the address it advertises: `alias` in its Via,
    /// over TLS, with a certificate (RFC 5923 §8.2, §9.2).
    fileprivate mutating func noteAlias(_ octets: Span<UInt8>) {
        guard self.flow.transport == .tls, self.identities != nil, self.via.transport == .tls,
            octets.parameter("alias", in: self.via.parameters) != nil
        else { return }
        self.alias = SocketAddress(self.flow.remote.ip, self.via.port == 0 ? 5061 : self.via.port)
    }
}

extension MessageIndex {
    /// Checks the fields that every request must have (§8.1.1) and that every element relies on.
    ///
    /// - Throws: `SIPParseError`: what is missing or malformed; `.methodMismatch` where CSeq names another method.
    public func checkMandatoryFields(_ octets: Span<UInt8>) throws(SIPParseError) {
        for id in Self.mandatory where !self.has(id) {
            throw SIPParseError(.missing, in: id, at: self.headerOctets)
        }
        if let from = self.value(.from) { _ = try AddressIndex(parsing: octets, in: from.range, field: .from) }
        if let to = self.value(.to) { _ = try AddressIndex(parsing: octets, in: to.range, field: .to) }
        guard let callID = self.value(.callID), !callID.isEmpty else {
            throw SIPParseError(.empty, in: .callID, at: self.headerOctets)
        }
        try self.checkCSeq(octets)
    }

    private static let mandatory: [HeaderID] = [.from, .to, .callID, .cseq]

    /// `1*DIGIT LWS Method`, the number below 2^32, the method that of the start line (§8.1.1.5).
    private func checkCSeq(_ octets: Span<UInt8>) throws(SIPParseError) {
        guard let value = self.value(.cseq) else { return }
        var position = value.lower
        var number: UInt64 = 0
        while position < value.upper, let digit = octets[position].decimalDigitValue {
            number = number * 10 + UInt64(digit)
            guard number < 1 << 32 else { throw SIPParseError(.numberTooLarge, in: .cseq, at: value.lower) }
            position += 1
        }
        let digitsEnd = position
        while position < value.upper, octets[position].isLinearWhitespace { position += 1 }
        guard digitsEnd > value.lower, position > digitsEnd else {
            throw SIPParseError(.malformed, in: .cseq, at: position)
        }
        guard octets.equals(position..<value.upper, octets, self.methodName.range) else {
            throw SIPParseError(.methodMismatch, in: .cseq, at: position)
        }
    }
}
