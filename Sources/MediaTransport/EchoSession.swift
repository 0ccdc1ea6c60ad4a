import CLinuxIO
import MediaEngine
import RTP
import SDP
import SIPMessages
import Synchronization

/// An echo on its thread.
final class EchoSession: PacketHandler {
    private struct State: Sendable {
        var stream: EchoStream
        var isSharedPort: Bool
        var isExpectingMedia: Bool
        var lastHeard: MonotonicInstant
        var hasToldSilence = false
        /// The datagram of a report, kept to be used again.
        var report: [UInt8] = []
    }

    private let state: Mutex<State>
    private let sockets: SocketPair
    private let silence: TimeSpan?
    private let silent: @Sendable () -> Void

    init(
        _ stream: NegotiatedStream, _ sockets: SocketPair, silence: TimeSpan?, at now: MonotonicInstant,
        silent: @escaping @Sendable () -> Void
    ) {
        (self.sockets, self.silence, self.silent) = (sockets, silence, silent)
        self.state = Mutex(
            State(
                stream: EchoStream(seed: UInt64.random(in: .min ... .max), stream, at: now),
                isSharedPort: stream.hasRTCPMux, isExpectingMedia: stream.direction.receives, lastHeard: now))
    }

    func update(_ stream: NegotiatedStream, at now: MonotonicInstant) {
        self.state.withLock { state in
            state.stream.update(stream)
            state.isSharedPort = stream.hasRTCPMux
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
            statistics.roundTrip = state.stream.control.roundTrip
            if let reception = state.stream.reception {
                statistics.received = reception.received
                statistics.lost = reception.lost
                statistics.jitter = reception.jitterTime
            }
            return statistics
        }
    }

    private static func ntp() -> UInt64 { NTPTime.from(unixMilliseconds: cio_wall_milliseconds()) }

    func receive(_ batch: PacketBatch, count: Int, isRTCP: Bool, at now: MonotonicInstant) {
        self.state.withLock { state in
            for i in 0..<count {
                guard let source = batch.source(i) else { continue }
                let destination = batch.withOctets(i) { octets -> SocketAddress? in
                    if isRTCP || (state.isSharedPort && RTCPReader.isRTCP(octets.span)) {
                        state.stream.receiveControl(octets.span, from: source, at: now, ntp: Self.ntp())
                        return nil
                    }
                    return state.stream.receive(&octets, from: source, at: now)
                }
                if let destination { batch.sendBack(i, to: destination) }
            }
            if let reception = state.stream.reception {
                state.lastHeard = Swift.max(state.lastHeard, reception.lastArrival)
            }
        }
    }

    /// An echo goes by the peer's clock.
    var isPaced: Bool { false }

    func tick(at now: MonotonicInstant) {}

    func wake(at now: MonotonicInstant) {
        let isSilent = self.state.withLock { state in
            if now >= state.stream.control.nextReport {
                self.send(&state) { $0.stream.report(at: now, ntp: Self.ntp(), into: &$0.report) }
            }
            guard let silence, state.isExpectingMedia, !state.hasToldSilence, now.since(state.lastHeard) > silence
            else { return false }
            state.hasToldSilence = true
            return true
        }
        if isSilent { self.silent() }
    }

    /// Tells the peer that our source leaves (RFC 3550 §6.6).
    func leave(at now: MonotonicInstant) {
        self.state.withLock { state in
            self.send(&state) { $0.stream.leave(at: now, ntp: Self.ntp(), into: &$0.report) }
        }
    }

    private func send(_ state: inout State, _ write: (inout State) -> SocketAddress?) {
        state.report.removeAll(keepingCapacity: true)
        guard let destination = write(&state) else { return }
        (state.isSharedPort ? self.sockets.rtp : self.sockets.rtcp).send(state.report, to: destination)
    }
}
