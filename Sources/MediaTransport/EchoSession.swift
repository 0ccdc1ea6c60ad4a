import MediaEngine
import RTP
import SDP
import SIPMessages
import Synchronization

/// An echo on its thread.
final class EchoSession: PacketHandler {
    private struct State: Sendable {
        var stream: EchoStream
        var isExpectingMedia: Bool
        var lastHeard: MonotonicInstant
        var hasToldSilence = false
    }

    private let state: Mutex<State>
    private let silence: TimeSpan?
    private let silent: @Sendable () -> Void

    init(
        _ stream: NegotiatedStream, silence: TimeSpan?, at now: MonotonicInstant,
        silent: @escaping @Sendable () -> Void
    ) {
        (self.silence, self.silent) = (silence, silent)
        self.state = Mutex(
            State(
                stream: EchoStream(
                    seed: UInt64.random(in: .min ... .max), payloadTypes: PayloadTypeTable(stream),
                    destination: stream.destination?.rtp.address, isSending: stream.sends),
                isExpectingMedia: stream.direction.receives, lastHeard: now))
    }

    func update(_ stream: NegotiatedStream, at now: MonotonicInstant) {
        self.state.withLock { state in
            state.stream.update(
                payloadTypes: PayloadTypeTable(stream), destination: stream.destination?.rtp.address,
                isSending: stream.sends)
            state.isExpectingMedia = stream.direction.receives
            state.lastHeard = now
        }
    }

    var statistics: EchoStatistics {
        self.state.withLock { state in
            var statistics = EchoStatistics()
            statistics.returned = state.stream.returned
            statistics.dropped = state.stream.dropped
            statistics.peer = state.stream.latch.destination
            if let reception = state.stream.reception {
                statistics.received = reception.received
                statistics.lost = reception.lost
                statistics.jitter = reception.jitterTime
            }
            return statistics
        }
    }

    func receive(_ batch: PacketBatch, count: Int, isRTCP: Bool, at now: MonotonicInstant) {
        guard !isRTCP else { return }
        self.state.withLock { state in
            for i in 0..<count {
                guard let source = batch.source(i) else { continue }
                let destination = batch.withOctets(i) { octets in state.stream.receive(&octets, from: source, at: now) }
                if let destination { batch.sendBack(i, to: destination) }
            }
            if let reception = state.stream.reception {
                state.lastHeard = Swift.max(state.lastHeard, reception.lastArrival)
            }
        }
    }

    func wake(at now: MonotonicInstant) {
        guard let silence else { return }
        let isSilent = self.state.withLock { state in
            guard state.isExpectingMedia, !state.hasToldSilence, now.since(state.lastHeard) > silence else {
                return false
            }
            state.hasToldSilence = true
            return true
        }
        if isSilent { self.silent() }
    }
}
