import AgentCore
import MediaTransport
import SDP
import SIPMessages
import ServerCore
import SignallingTransport
import Synchronization

/// The media of the echo service: an end point for each call to it.
final class EchoDesk: Sendable {
    private struct Call: Hashable {
        var shard: Int
        var handle: CallHandle
    }
    private let media: MediaServer
    private let endpoints = Mutex<[Call: EchoEndpoint]>([:])
    private let target = Mutex<SignallingServer?>(nil)

    /// A desk with these ports.
    init(_ media: MediaServer) { self.media = media }

    /// The server whose calls they are; it is there after the desk is.
    var server: SignallingServer? {
        get { self.target.withLock { $0 } }
        set { self.target.withLock { $0 = newValue } }
    }

    /// Ends all media.
    func stop() {
        self.server = nil
        self.endpoints.withLock { $0.removeAll() }
        self.media.stop()
    }

    /// Does what a call wants; answers where it asks for a description.
    func serve(_ request: MediaRequest) -> AgentCore.MediaDescription? {
        let call = Call(shard: request.shard, handle: request.call)
        switch request.kind {
        case .describe(let question, let local):
            let endpoint = self.endpoint(of: call, at: local)
            return AgentCore.MediaDescription(question.offer.map { endpoint.answer($0) } ?? endpoint.offer())
        case .accept(let answer):
            let endpoint = self.endpoints.withLock { $0[call] }
            if let endpoint, endpoint.accept(answer: answer) != nil { self.hangUp(call) }
        case .offerRefused: self.endpoints.withLock { $0[call] }?.offerRejected()
        case .stop: self.endpoints.withLock { $0.removeValue(forKey: call) }?.stop()
        }
        return nil
    }

    private func endpoint(of call: Call, at local: IPAddress) -> EchoEndpoint {
        self.endpoints.withLock { endpoints in
            if let endpoint = endpoints[call] { return endpoint }
            let endpoint = self.media.makeEcho(at: local) { [weak self] in self?.hangUp(call) }
            endpoints[call] = endpoint
            return endpoint
        }
    }

    private func hangUp(_ call: Call) { self.server?.hangUp(call.handle, inShard: call.shard) }
}

extension AgentCore.MediaDescription {
    /// What an end point says, as a call understands it.
    fileprivate init(_ outcome: EchoEndpoint.Outcome) {
        switch outcome {
        case .description(let octets): self = .description(octets)
        case .refused(let refusal, let capabilities):
            let warning = Warning(refusal.warning, agent: "biloxi", phrase: refusal.phrase)
            self = .unacceptable(warning, capabilities: capabilities)
        case .malformed(let error): self = .refused(400, error)
        case .glare: self = .refused(491, "Request Pending")
        case .unavailable(let error): self = .refused(503, error.description)
        }
    }
}
