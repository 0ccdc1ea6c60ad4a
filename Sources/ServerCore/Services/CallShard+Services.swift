public import AgentCore
import CallRecords
import ProxyCore
import SIPMessages
import SIPTransactions

/// The calls that the server answers itself: the echo service.
///
/// It answers at once and returns what it hears, so that one phone alone can test itself. The call is the agent's, as any
/// call of a user agent; the media is the driver's.
extension CallShard {
    /// Gives a request that was matched as new just before to the agent.
    mutating func serve(_ octets: Span<UInt8>, _ workspace: inout Workspace) {
        if workspace.index.method == .invite {
            self.recorder.invited(
                octets, workspace.index, over: workspace.flow, at: workspace.now, wall: workspace.wall)
        }
        self.agent.receive(
            request: octets, workspace.index, via: workspace.via, over: workspace.flow,
            transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
    }

    /// The media has described itself, as `MediaRequest.Kind.describe` has asked.
    public mutating func described(
        _ call: CallHandle, _ question: UInt32, _ description: MediaDescription, _ workspace: inout Workspace
    ) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        self.agent.described(
            call, question, description, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        self.serveCalls(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    /// Ends a call: its media has heard nothing for too long.
    public mutating func hangUp(_ call: CallHandle, _ workspace: inout Workspace) {
        workspace.outbox.shard = UInt16(truncatingIfNeeded: self.number)
        let first = workspace.outbox.messages.count
        self.agent.hangUp(call, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        self.serveCalls(&workspace)
        self.recordCalls(from: first, &workspace)
    }

    /// Does what the agent wants done.
    mutating func serveCalls(_ workspace: inout Workspace) {
        while self.agent.hasActions {
            for action in self.agent.takeActions() { self.serve(action, &workspace) }
        }
    }

    private mutating func serve(_ action: AgentAction, _ workspace: inout Workspace) {
        switch action {
        case .incoming(let call, _):
            self.agent.accept(call, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        case .describeMedia(let call, let question):
            let local = self.agent.flow(of: call).map { self.settings.mediaAddress(for: $0) } ?? .loopback
            if question.offer == nil { self.offers.insert(call) } else { self.offers.remove(call) }
            self.request(.describe(question, local: local), call, &workspace)
        case .mediaStart(let call, _, let remote):
            // What answers an offer of theirs holds already; an answer to ours is news.
            if self.offers.remove(call) != nil { self.request(.accept(answer: remote), call, &workspace) }
        case .mediaUnchanged(let call, _):
            if self.offers.remove(call) != nil { self.request(.offerRefused, call, &workspace) }
        case .mediaStop(let call):
            self.offers.remove(call)
            self.request(.stop, call, &workspace)
        case .resolve(let request, _, let near):
            // Addresses need no question; a name is that of the proxy that the call came through.
            self.agent.resolved(
                request, near, transactions: &self.transactions, at: workspace.now, into: &workspace.outbox)
        case .progress, .established, .modificationRefused, .information, .ended, .registered, .registrationFailed,
            .unregistered, .informationAnswered, .informationFailed, .message, .answered, .requestFailed, .redirected,
            .ringback, .earlyMediaStart, .earlyMediaStop, .transferRequested, .transferAccepted, .transferReported,
            .transferProgress, .transferDone, .subscribed, .notified, .subscriptionEnded, .replaces, .joins, .refused:
            break
        }
    }

    private func request(_ kind: MediaRequest.Kind, _ call: CallHandle, _ workspace: inout Workspace) {
        workspace.media.append(MediaRequest(call: call, shard: self.number, kind: kind))
    }
}

extension ServerSettings {
    /// What the agent is that answers calls to the server itself.
    var agent: AgentConfiguration {
        var configuration = AgentConfiguration(
            endpoints: self.proxy.endpoints.map {
                AgentEndpoint($0.transport, SocketAddress($0.advertised?.address ?? $0.local.ip, $0.local.port))
            })
        configuration.features = []
        configuration.product = String(decoding: self.product, as: UTF8.self)
        return configuration
    }

    /// Whether a URI, which is ours, is that of the echo service.
    func isEcho(_ uri: URIIndex, _ octets: Span<UInt8>) -> Bool {
        !self.echoUser.isEmpty && octets.equals(uri.user.range, self.echoUser.span, 0..<self.echoUser.count)
    }

    /// The address of ours that a call came to, where media can come too.
    func mediaAddress(for flow: Flow) -> IPAddress {
        guard Int(flow.endpoint) < self.proxy.endpoints.count else { return .loopback }
        let endpoint = self.proxy.endpoints[Int(flow.endpoint)]
        return endpoint.local.ip.isUnspecified ? endpoint.advertised?.address ?? .loopback : endpoint.local.ip
    }
}
