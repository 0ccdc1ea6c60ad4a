// What must hold for any octets. The fuzz target and the test that replays its inputs call the same function.

import SIPMessages

@testable import RTP

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// A packet's parts lie within it, rewriting changes its header only, and events and reports can be read from it.
func fuzzRTP(_ octets: [UInt8]) {
    let header = try? RTPHeader(parsing: octets.span)
    if let header {
        require(header.payload.lower <= header.payload.upper, "the payload does not end before it begins")
        require(header.payload.upper <= octets.count, "the payload lies within the packet")
        require(header.extensionRange.upper <= header.payload.lower, "the extension lies before the payload")
        var packet = octets
        var span = packet.mutableSpan
        RTPHeader(payloadType: 1, sequenceNumber: 2, timestamp: 3, ssrc: 4).rewrite(&span)
        require(packet.dropFirst(12).elementsEqual(octets.dropFirst(12)), "what lies behind the header stays")
        let again = try? RTPHeader(parsing: packet.span)
        require(again?.payload == header.payload, "the parts stay where they are")
        fuzzStream(header, octets)
    }
    if (try? RTCPReader(octets.span, allowsReducedSize: true)) != nil {
        require(octets.count % 4 == 0, "RTCP is a multiple of four octets long")
    }
    var session = RTCPSession(ssrc: 1, canonicalName: [0x61], seed: 1, at: .start)
    var count = 0
    if var reader = try? RTCPReader(octets.span), (try? session.receive(octets.span, at: .start, ntp: 0)) != nil {
        while let packet = reader.next(in: octets.span) {
            require(packet.body.upper <= octets.count, "a packet lies within the datagram")
            _ = packet.sender(in: octets.span)
            _ = packet.leaving(0, in: octets.span)
            _ = packet.canonicalName(of: packet.sender(in: octets.span) ?? 0, in: octets.span)
            count += 1
        }
        require(count > 0, "what was checked has a packet")
    }
}

/// The octets behind a header stand for the fields of the packets that follow it.
private func fuzzStream(_ first: RTPHeader, _ octets: [UInt8]) {
    var reception = Reception(first: first, clockRate: 8_000, at: .start)
    var latch = SymmetricLatch()
    var receiver = TelephoneEventReceiver(clockRate: 8_000)
    var happenings: [TelephoneEventReceiver.Happening] = []
    var began = 0
    for i in stride(from: 0, to: octets.count - 3, by: 4) {
        var header = first
        header.sequenceNumber = UInt16(octets[i]) << 8 | UInt16(octets[i + 1])
        header.timestamp = UInt32(octets[i + 2]) << 24 | UInt32(octets[i + 3]) << 4
        let now = MonotonicInstant(nanoseconds: Int64(octets[i + 3]) << 40)
        _ = reception.receive(header, at: now)
        _ = reception.takeFractionLost()
        _ = latch.receive(header, from: SocketAddress(.loopback, UInt16(octets[i])), at: now)
        receiver.receive(header, octets.span, at: now, into: &happenings)
        receiver.wake(at: now, into: &happenings)
    }
    for happening in happenings {
        if case .began = happening { began += 1 } else { began -= 1 }
        require(began == 0 || began == 1, "an event ends before the next one begins")
    }
}
