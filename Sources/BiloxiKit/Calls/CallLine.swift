import AgentCore
import MediaTransport
import SIPMessages
import Synchronization

/// What connects a call with its other side: the agent's call, and the audio. A call that is transferred, or that another
/// takes the place of, gets another one, and everything that sounds in it goes on.
struct CallLine: Sendable {
    var handle: CallHandle?
    var callID: String?
    var peer: String
    var peerName: String?
    /// The address of ours that the other side sees.
    let local: IPAddress
    let audio: AudioEndpoint
    let relay: AudioRelay

    init(_ engine: Engine, at local: IPAddress, peer: NameAddress?) {
        let relay = AudioRelay()
        (self.local, self.relay) = (local, relay)
        (self.peer, self.peerName) = (peer?.uri.description ?? "", peer?.displayName)
        self.audio = engine.media.makeAudio(at: local, formats: engine.formats) { [weak engine] event in
            relay.core?.happened(event)
            if case .unprotected(let reason) = event, let core = relay.core { engine?.lost(core, reason) }
        }
    }
}

/// Hands what happens in the audio of a line to the call that has the line.
final class AudioRelay: Sendable {
    private struct Target: Sendable {
        // The call has the line, which has this.
        weak var core: CallCore?
    }

    private let target = Mutex(Target())

    var core: CallCore? {
        get { self.target.withLock { $0.core } }
        set { self.target.withLock { $0.core = newValue } }
    }
}
