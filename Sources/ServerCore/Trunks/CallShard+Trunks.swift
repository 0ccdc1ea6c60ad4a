import CallRouting
import Containers
import ProxyCore
import SIPAuthentication
import SIPMessages
import SIPTransactions

/// Calls by trunks.
extension CallShard {
    /// What the payload of a timer has by which a call is forgotten whose end was not seen.
    static let callTimer: UInt64 = 1 << 51

    /// Asks the desk for a line.
    mutating func seizeTrunk(
        _ name: String, _ number: [UInt8], _ octets: Span<UInt8>, _ workspace: inout Workspace,
        _ traits: RequestTraits
    ) {
        let takesLine = workspace.index.method == .invite
        let breadth = workspace.index.value(.maxBreadth).map { octets.maxForwards($0) }
        guard let server = self.createServer(octets, &workspace) else { return }
        var asker = Asker(shard: self.number, server: server, maxBreadth: breadth, traits: traits)
        asker.takesLine = takesLine
        let (trunk, dialled) = (workspace.leave(Array(name.utf8)), workspace.leave(number))
        workspace.posts.append(.seize(trunk: trunk, number: dialled, takesLine: takesLine, asker))
    }

    /// The desk's answer: sends the call to the targets, one after the other.
    mutating func begin(
        byTrunk trunk: OctetRange, number: OctetRange, _ grant: TrunkGrant, _ asker: Asker, _ workspace: inout Workspace
    ) {
        let name = String(decoding: workspace.mail[trunk.range], as: UTF8.self)
        guard self.transactions.isLive(server: asker.server), let method = self.transactions.method(of: asker.server),
            let settings = self.settings.trunk(named: name), case .granted(let sure, let doubted) = grant
        else { return self.refuse(trunk, grant, asker, &workspace) }
        let numbers = settings.targets.indices
        let order = numbers.filter { sure >> UInt64($0) & 1 == 1 } + numbers.filter { doubted >> UInt64($0) & 1 == 1 }
        let call = Self.call(
            self.transactions.request(of: asker.server), name, order, hasLine: method == .invite,
            longest: settings.longestCall)
        guard let call else { return self.refuse(trunk, grant, asker, &workspace) }
        workspace.targets.removeAll(keepingCapacity: true)
        for target in order {
            var uri: [UInt8] = []
            Self.appendURI(of: settings.targets[target], number: workspace.mail[number.range], into: &uri)
            let whole = 0..<uri.count
            let parsed = try? URIIndex(parsing: uri.span, in: whole)
            let flow = parsed.flatMap { self.settings.proxy.flow(to: $0, uri.span, near: workspace.flow) }
            Target.append(uri: uri.span, whole, route: uri.span, 0..<0, q: 1000, flow: flow, to: &workspace.targets)
        }
        let token = self.trunkCalls.add(call)
        let succession = Succession(failover: settings.failover, patience: settings.patience, token: token)
        self.proxy.begin(
            asker.server, method: method, source: workspace.flow, targets: workspace.targets,
            maxBreadth: asker.maxBreadth, traits: asker.traits, succession: succession,
            transactions: &self.transactions, at: workspace.now,
            into: &workspace.outbox)
    }

    private mutating func refuse(
        _ trunk: OctetRange, _ grant: TrunkGrant, _ asker: Asker, _ workspace: inout Workspace
    ) {
        let name = String(decoding: workspace.mail[trunk.range], as: UTF8.self)
        // Without Retry-After a 503 says nothing of this server as a whole (RFC 3261 §21.5.4).
        switch grant {
        case .full:
            // RFC 3398 §7.2.4.1: no circuit is available.
            let reason = Array("Reason: Q.850;cause=34;text=\"No circuit available\"\r\n".utf8)
            self.reply(asker.server, 503, "All Lines Of Trunk \(name) Are In Use", fields: reason, &workspace)
        case .unreachable: self.reply(asker.server, 503, "No Gateway Of Trunk \(name) Is There", &workspace)
        case .unknown: self.reply(asker.server, 503, "No Trunk \(name)", &workspace)
        case .granted:
            // The caller has gone, or the trunk with a new configuration.
            if asker.takesLine { workspace.posts.append(.release(trunk: trunk)) }
            self.reply(asker.server, 503, "No Trunk \(name)", &workspace)
        }
    }

    private static func call(
        _ request: Span<UInt8>, _ trunk: String, _ targets: [Int], hasLine: Bool, longest: TimeSpan
    ) -> TrunkCalls.Call? {
        var index = MessageIndex()
        do { try index.parse(request) } catch { return nil }
        let tags = index.tags(request)
        return TrunkCalls.Call(
            trunk: trunk, targets: targets, hasLine: hasLine, longest: longest,
            callID: index.value(.callID).map { request.octets($0.range) } ?? [], callerTag: tags.from)
    }

    /// Appends the URI of a target with a number as its user part.
    static func appendURI(of target: [UInt8], number: ArraySlice<UInt8>, into uri: inout [UInt8]) {
        guard let parts = try? URIIndex(parsing: target.span, in: 0..<target.count),
            parts.scheme == .sip || parts.scheme == .sips, let colon = target.firstIndex(of: 0x3A)
        else {
            uri += target
            return
        }
        uri += target[...colon]
        uri.append(escapingUser: Array(number))
        uri.append(0x40)
        // After the user part, or after the scheme where there is none.
        let rest = parts.hasUser ? (target.firstIndex(of: 0x40) ?? colon) + 1 : colon + 1
        uri += target[rest...]
    }

    // MARK: What becomes of them

    /// Takes what has become of calls by trunks, and tells the desk.
    ///
    /// - Parameter calleeTag: The tag of To in the response at hand.
    mutating func settleTrunkCalls(calleeTag: [UInt8] = [], _ workspace: inout Workspace) {
        guard self.proxy.hasOutcomes else { return }
        for outcome in self.proxy.takeOutcomes() {
            switch outcome {
            case .silent(let token, let target): self.report(token, target, .silent, &workspace)
            case .answered(let token, let target, let status, let retryAfter):
                if status == 503, let retryAfter {
                    self.report(token, target, .refused(seconds: retryAfter), &workspace)
                } else {
                    self.report(token, target, .answered, &workspace)
                }
            case .succeeded(let token):
                guard let call = self.trunkCalls[token] else { continue }
                guard call.hasLine else {
                    _ = self.trunkCalls.remove(token)
                    continue
                }
                self.trunkCalls.noteDialog(token, calleeTag: calleeTag)
                self.extendCall(token, by: call.longest, workspace)
            case .failed(let token): self.endTrunkCall(token, &workspace)
            }
        }
    }

    private func report(_ token: UInt64, _ target: Int, _ report: TargetReport, _ workspace: inout Workspace) {
        guard let call = self.trunkCalls[token], target < call.targets.count else { return }
        let trunk = workspace.leave(Array(call.trunk.utf8))
        workspace.posts.append(.report(trunk: trunk, target: call.targets[target], report))
    }

    /// Forgets a call, and gives its line back.
    mutating func endTrunkCall(_ token: UInt64, _ workspace: inout Workspace) {
        guard var call = self.trunkCalls.remove(token) else { return }
        self.transactions.stopTimer(&call.timer)
        guard call.hasLine else { return }
        let trunk = workspace.leave(Array(call.trunk.utf8))
        workspace.posts.append(.release(trunk: trunk))
    }

    /// Sees to it that a call is forgotten some time, though its end is never seen.
    private mutating func extendCall(_ token: UInt64, by span: TimeSpan, _ workspace: borrowing Workspace) {
        guard var timer = self.trunkCalls[token]?.timer else { return }
        self.transactions.stopTimer(&timer)
        let moment = workspace.now.advanced(by: span)
        timer = self.transactions.setTimer(at: moment, payload: Self.callTimer | token)
        self.trunkCalls.setTimer(timer, of: token)
    }

    /// A BYE goes through: its dialog is over (RFC 3261 §15.1.1).
    mutating func noteEnd(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        guard !self.trunkCalls.isEmpty, workspace.index.method == .bye,
            let found = self.trunkCall(octets, workspace.index)
        else { return }
        if self.trunkCalls.endDialog(found.token, calleeTag: found.calleeTag) {
            self.endTrunkCall(found.token, &workspace)
        }
    }

    /// A response goes through that may say something of a call: that its dialog is gone (RFC 5057 §5.1), or for how long
    /// it lasts unless it is refreshed (RFC 4028 §7.2).
    mutating func noteDialogResponse(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        guard !self.trunkCalls.isEmpty, let found = self.trunkCall(octets, workspace.index) else { return }
        let status = workspace.index.statusCode
        if status == 481 || status == 408 {
            if self.trunkCalls.endDialog(found.token, calleeTag: found.calleeTag) {
                self.endTrunkCall(found.token, &workspace)
            }
        } else if status / 100 == 2, let value = workspace.index.value(.sessionExpires),
            let expires = try? SessionExpires(parsing: octets, in: value.range, field: .sessionExpires)
        {
            // The peers hang up when the interval is over; what is on its way then may take 32 seconds.
            self.extendCall(found.token, by: .seconds(Int64(expires.seconds) + 32), workspace)
        }
    }

    private func trunkCall(
        _ octets: Span<UInt8>, _ index: borrowing MessageIndex
    ) -> (token: UInt64, calleeTag: [UInt8])? {
        guard let callID = index.value(.callID) else { return nil }
        let tags = index.tags(octets)
        return self.trunkCalls.find(callID: octets.octets(callID.range), fromTag: tags.from, toTag: tags.to)
    }

    // MARK: Logging in (§22.3)

    /// Answers the challenge of a trunk's target with the trunk's credentials.
    ///
    /// - Returns: whether the request was sent again, so that the caller hears nothing of the challenge.
    mutating func answerChallenge(_ octets: Span<UInt8>, owner: UInt64, _ workspace: inout Workspace) -> Bool {
        let status = workspace.index.statusCode
        guard status == 401 || status == 407,
            let challenged = self.proxy.challenged(owner: owner, self.transactions),
            let call = self.trunkCalls[challenged.token],
            let credentials = self.settings.trunk(named: call.trunk)?.credentials,
            let cseq = workspace.index.value(.cseq),
            let method = (try? CSeq(parsing: octets, in: cseq.range, field: .cseq))?.method
        else { return false }
        var answer = ChallengeAnswer(octets, workspace.index, credentials, cnonce: self.transactions.randomNumber())
        let body: [UInt8] = []
        guard let fields = answer?.fields(method, String(decoding: challenged.uri, as: UTF8.self), body: body.span)
        else { return false }
        return self.proxy.logIn(
            owner: owner, with: fields, over: workspace.flow, transactions: &self.transactions, at: workspace.now,
            into: &workspace.outbox)
    }
}

extension MessageIndex {
    /// The tags of From and To; empty where there is none.
    func tags(_ octets: Span<UInt8>) -> (from: [UInt8], to: [UInt8]) {
        func tag(_ id: HeaderID) -> [UInt8] {
            guard let value = self.value(id),
                let address = try? AddressIndex(parsing: octets, in: value.range, field: id)
            else { return [] }
            return octets.octets(address.tag.range)
        }
        return (tag(.from), tag(.to))
    }
}

extension Workspace {
    /// Leaves octets in the mailbox for a post.
    mutating func leave(_ octets: [UInt8]) -> OctetRange {
        let start = self.mail.count
        self.mail += octets
        return OctetRange(start, self.mail.count)
    }
}
