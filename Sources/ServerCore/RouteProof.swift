import ProxyCore
import SIPMessages

/// What the values of ours that a request had in its Route say of it (RFC 5626 §5.3, `FlowToken`).
struct RouteProof: BitwiseCopyable {
    /// Whether one of them has a token that is none of ours, or one of another dialog: tampered with (RFC 5626 §5.3.1).
    var isForged = false
    /// Whether the request belongs to a dialog that was set up through us.
    var isOfOurDialog = false
    /// Whether the value was our Path of a client that has registered through us at its home (RFC 3327 §5.4).
    var isOfPath = false
    /// The end that the request says it comes from, as the first of our values knows it.
    var sender = DialogSide()
    /// The end that it goes to, as the last of our values knows it.
    var receiver = DialogSide()

    /// Whether the Request-URI was one of our values, and the last value has taken its place (RFC 3261 §16.4).
    var isRetargeted = false

    /// Whether the request must go over the flow of the receiver, since nothing permits another way.
    var isBound = false

    /// The flow over which the request goes whatever it says, if there is one.
    var flow: Flow? { self.receiver.isPinned || self.isBound ? self.receiver.flow : nil }

    /// Whether the request came over the flow of a user of ours, who may send it anywhere.
    func isFromUser(over source: Flow) -> Bool {
        guard self.isOfOurDialog, self.sender.isUser, let flow = self.sender.flow else { return false }
        return flow.connection == 0
            ? flow.remote == source.remote && flow.transport == source.transport : flow.connection == source.connection
    }
}

extension CallShard {
    /// Notes what a value of ours says, which the request had in its Route.
    func note(
        _ uri: URIIndex, _ octets: Span<UInt8>, _ index: borrowing MessageIndex, into proof: inout RouteProof
    ) {
        guard let value = uri.parameter("d", in: octets) else { return }
        let claim = FlowToken.Claim(octets, value.range, self.settings.proxy)
        func isProved(_ subject: UInt64) -> Bool {
            claim?.isProved(for: subject, self.settings.proxy, key: self.proxy.tokenKey) ?? false
        }
        if let claim, isProved(FlowToken.registration) {
            // Who has the Path has it from the client's home, and it leads to the client only.
            (proof.isOfPath, proof.receiver) = (true, claim.token.caller)
            return
        }
        // Without a tag in To the request begins something new; the token of another call is no key to it.
        guard let callID = index.value(.callID), let to = Self.tag(.to, octets, index), !to.isEmpty,
            let from = Self.tag(.from, octets, index)
        else { return }
        func isOfDialog(_ tag: Range<Int>) -> Bool {
            isProved(FlowToken.dialog(octets, callID: callID.range, tag: tag, key: self.proxy.tokenKey))
        }
        let sides: (sender: DialogSide, receiver: DialogSide)
        if let token = claim?.token, isOfDialog(from.range) {
            sides = (token.caller, token.callee)
        } else if let token = claim?.token, isOfDialog(to.range) {
            sides = (token.callee, token.caller)
        } else {
            proof.isForged = true
            return
        }
        if !proof.isOfOurDialog { proof.sender = sides.sender }
        proof.isOfOurDialog = true
        proof.receiver = sides.receiver
    }

    /// Where the tag of From or To lies; an empty range where there is none.
    private static func tag(
        _ field: HeaderID, _ octets: Span<UInt8>, _ index: borrowing MessageIndex
    ) -> OctetRange? {
        guard let value = index.value(field),
            let address = AddressIndex(firstOf: octets, in: value.range, field: field)
        else { return nil }
        return address.tag
    }

    /// Whether the token of a request's dialog lets it go where it wants, unchallenged: see `FlowToken`.
    func permits(
        _ proof: inout RouteProof, _ octets: Span<UInt8>, _ workspace: borrowing Workspace
    ) -> Bool {
        guard proof.isOfOurDialog || proof.isOfPath else { return false }
        if proof.receiver.isPinned { return true }
        if proof.isFromUser(over: workspace.flow) || self.settings.trustsSender(workspace) { return true }
        if let uri = try? URIIndex(parsing: octets, in: workspace.index.requestURI.range) {
            // To a user of ours everyone may send.
            if !workspace.index.has(.route), self.settings.isOurs(uri, octets) { return true }
            if proof.receiver.hop != 0, let hop = self.nextHop(octets, workspace.index, uri),
                FlowToken.hop(hop, octets, key: self.proxy.tokenKey) == proof.receiver.hop
            {
                return true
            }
        }
        // The end may have a second address. What we know of it is safe.
        proof.isBound = proof.receiver.flow != nil
        return proof.isBound
    }
}
