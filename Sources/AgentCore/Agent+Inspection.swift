import SIPDialogs
import SIPMessages
import SIPTransactions

/// The inspections of RFC 3261 §8.2.1 to §8.2.3, and what needs no call.
extension Agent {
    /// Answers a request that cannot be processed, in the order of §8.2: method, Request-URI, merging, extensions, body.
    mutating func refuses(
        _ request: SIPMessage, _ method: Method, _ server: TransactionID, _ layer: inout TransactionLayer,
        at now: MonotonicInstant, _ outbox: inout Outbox
    ) -> Bool {
        guard let (status, reason, field) = self.refusal(of: request, method) else { return false }
        self.reply(server, status, to: request, reason, &layer, at: now, &outbox) { builder in
            if let field { builder.add(named: field.name, field.value) }
        }
        return true
    }

    private typealias Refusal = (StatusCode, String?, field: CallPlan.Field?)

    private func refusal(of request: SIPMessage, _ method: Method) -> Refusal? {
        let isInDialog = request.first(.to)?.tag?.isEmpty == false
        // Within a dialog the dialog answers what it does not know, so that its CSeq is counted.
        if !isInDialog, !self.configuration.methods.contains(method) {
            // One that we know and do not take is not allowed; one that we do not know we take for nobody (§21.5.2).
            let status: StatusCode = method.code == .other ? 501 : 405
            return (status, nil, .init("Allow", self.configuration.methods.map(\.name).joined(separator: ", ")))
        }
        guard request.requestURI?.sip != nil else { return (416, nil, nil) }
        if !isInDialog, let key = MergeKey(request),
            self.merges[key] != nil || self.recentRequests.contains(key, at: self.work.now)
        {
            return (482, nil, nil)
        }
        let supported = self.configuration.extensions
        let unknown = request.all(.require).filter { !supported.contains($0) }
        if !unknown.isEmpty {
            return (420, nil, .init("Unsupported", unknown.map(\.value).joined(separator: ", ")))
        }
        if let refusal = self.refusal(ofBody: request, method) { return refusal }
        guard method == .invite else { return nil }
        guard request.first(.contact)?.uri != nil else { return (400, "Missing Contact", nil) }
        // A caller that takes no session descriptions cannot be given one (§21.4.7).
        let accepted = request.all(.accept)
        if request.has(.accept), !accepted.contains(where: { $0.matches(.sessionDescription) }) {
            return (406, nil, nil)
        }
        return nil
    }

    private func refusal(ofBody request: SIPMessage, _ method: Method) -> Refusal? {
        // The body of an INFO is for the application, whatever it is.
        guard !request.body.isEmpty, method != .info else { return nil }
        guard request.first(.contentDisposition)?.isRequired ?? true else { return nil }
        let accepted =
            switch method {
            case .message: self.configuration.messageTypes
            case .notify: self.notificationTypes(of: request) ?? [MediaType.sipfrag]
            default: self.configuration.mediaTypes
            }
        let encodings = request.all(.contentEncoding).filter { $0 != "identity" }
        if !encodings.isEmpty { return (415, nil, .init("Accept-Encoding", "identity")) }
        guard let type = request.contentType else { return (400, "Missing Content-Type", nil) }
        let isKnown = accepted.contains { $0.matches(type) } || request.sessionDescription != nil
        let types = accepted.map(\.text).joined(separator: ", ")
        return isKnown ? nil : (415, nil, .init("Accept", types))
    }

    /// Answers without a dialog.
    func reply(
        _ server: TransactionID, _ status: StatusCode, to request: SIPMessage, _ reason: String?,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox,
        edit: (inout MessageBuilder) -> Void = { _ in }
    ) {
        let tag = String(layer.randomNumber(), radix: 36)
        var builder = self.work.response(status, to: request, tag: tag, reason: reason)
        edit(&builder)
        let start = outbox.octets.count
        builder.write(to: &outbox.octets)
        layer.respond(server, status: status.number, from: start, at: now, into: &outbox)
    }

    /// What an INVITE would be answered with, and what we can do (RFC 3261 §11.2).
    func answerOptions(
        _ request: SIPMessage, _ server: TransactionID, _ layer: inout TransactionLayer, at now: MonotonicInstant,
        _ outbox: inout Outbox
    ) {
        let isBusy = self.calls.next() == nil
        self.reply(server, isBusy ? 486 : 200, to: request, nil, &layer, at: now, &outbox) { builder in
            self.work.addCapabilities(to: &builder)
            builder.add(.accept, self.configuration.mediaTypes)
            builder.add(named: "Accept-Encoding", "identity")
            builder.add(named: "Accept-Language", "en")
            guard !isBusy, !self.configuration.capabilities.isEmpty else { return }
            builder.setBody(self.configuration.capabilities, type: .sessionDescription)
        }
    }

    /// A call comes.
    mutating func begin(
        _ request: SIPMessage, _ server: TransactionID, _ flow: Flow, contactUser: String?,
        _ layer: inout TransactionLayer, at now: MonotonicInstant, _ outbox: inout Outbox
    ) {
        let entrance = self.entrance(of: request)
        if case .refused(let status, let reason) = entrance {
            return self.reply(server, status, to: request, reason, &layer, at: now, &outbox)
        }
        let account = self.account(of: request)
        let tag = String(self.work.random.next(), radix: 36)
        guard let dialog = Dialog(request: request, localTag: tag) else {
            return self.reply(server, 400, to: request, "No Dialog", &layer, at: now, &outbox)
        }
        guard let handle = self.makeCall(isCaller: false, contactUser: contactUser, account: account) else {
            return self.reply(server, 486, to: request, "Too Many Calls", &layer, at: now, &outbox) {
                $0.add(.retryAfter, RetryAfter(5))
            }
        }
        layer.setOwner(AgentMark.number(slot: handle.slot, generation: handle.generation), of: server)
        let key = MergeKey(request)
        if let key { self.merges[key] = handle }
        let contact = account.flatMap { self.gruu(of: $0) } ?? self.contact(over: flow, user: contactUser)
        self.turn(handle, &layer, at: now, &outbox) { call, work in
            call.mergeKey = key
            call.contact = contact
            var leg = Leg(dialog)
            leg.near = flow
            call.legs.append(leg)
            work.effects.append(.addDialog(dialog.id))
            call.receiveInvite(0, request, server, contact: contact, isInitial: true, &work)
            call.enter(entrance, &work)
        }
    }

    /// Our Contact for those who come over a flow.
    func contact(over flow: Flow, user: String?) -> URI {
        let endpoints = self.configuration.endpoints
        guard Int(flow.endpoint) < endpoints.count else {
            return .sip(SIPURI(user: user, host: Host(flow.remote.ip)))
        }
        return endpoints[Int(flow.endpoint)].contact(user: user)
    }
}
