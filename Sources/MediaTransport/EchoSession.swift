import MediaEngine
import MediaKeying
import RTP
import SDP
import SIPMessages
import SRTP
import Synchronization

/// An echo on its thread.
final class EchoSession: MediaSession {
    private let state: Mutex<SessionState<EchoStream>>
    private let silent: @Sendable () -> Void

    init(
        _ stream: NegotiatedStream, _ keys: MediaKeys, _ identity: DTLSIdentity?, _ sockets: SocketPair,
        silence: TimeSpan?, at now: MonotonicInstant, silent: @escaping @Sendable () -> Void
    ) {
        self.silent = silent
        let echo = EchoStream(seed: UInt64.random(in: .min ... .max), stream, at: now)
        self.state = Mutex(SessionState(echo, stream, keys, identity, sockets, silence: silence, at: now))
    }

    func update(_ stream: NegotiatedStream, _ keys: MediaKeys, at now: MonotonicInstant) {
        self.state.withLock { $0.update(stream, keys, at: now) }
    }

    var statistics: EchoStatistics {
        self.state.withLock { state in
            var statistics = EchoStatistics()
            statistics.returned = state.stream.returned
            statistics.dropped = state.stream.dropped
            statistics.peer = state.stream.latch.destination
            statistics.roundTrip = state.stream.control.roundTrip
            if let reception = state.stream.reception {
                statistics.received = reception.received
                statistics.lost = reception.lost
                statistics.jitter = reception.jitterTime
            }
            return statistics
        }
    }

    func receive(_ batch: PacketBatch, count: Int, isRTCP: Bool, at now: MonotonicInstant) {
        self.state.withLock { state in
            for i in 0..<count {
                state.receive(i, of: batch, isRTCP: isRTCP, at: now) { stream, octets, source in
                    stream.receive(&octets, from: source, at: now)
                }
            }
        }
    }

    /// An echo goes by the peer's clock.
    var isPaced: Bool { false }

    func tick(at now: MonotonicInstant) {}

    func wake(at now: MonotonicInstant) {
        // Without keys there is nothing to return: the call is of no more use than one that is silent.
        let isOver = self.state.withLock { state in
            let isSilent = state.wake(at: now)
            return state.protection.takeFailure() != nil || isSilent
        }
        if isOver { self.silent() }
    }

    func leave(at now: MonotonicInstant) { self.state.withLock { $0.leave(at: now) } }
}
