// What must hold for any octets. The fuzz target and the test that replays its inputs call the same function.

import RTP
import SIPMessages

@testable import MediaEngine

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// A sound file that can be read is written so that it reads back equal; and packets of anything play on.
func fuzzSound(_ octets: [UInt8]) {
    if let file = try? WAVFile(octets.span) {
        require((try? WAVFile(file.octets.span)) == file, "what is written can be read")
        _ = file.mono
    }
    var playout = AudioPlayout(.pcmu, sampleRate: 8_000, noiseType: 13)
    var samples: [Int16] = []
    var now: Int64 = 0
    var position = 0
    while position + 6 <= octets.count {
        // Two octets of number, two of timestamp, one of length and one of time; the packet's octets follow.
        let count = Int(octets[position + 4])
        let end = Swift.min(octets.count, position + 6 + count)
        var packet: [UInt8] = []
        RTPHeader(
            payloadType: octets[position] & 1 == 0 ? 0 : 13,
            sequenceNumber: UInt16(octets[position]) << 8 | UInt16(octets[position + 1]),
            timestamp: UInt32(octets[position + 2]) << 24 | UInt32(octets[position + 3]) << 5, ssrc: 1
        ).append(to: &packet)
        packet += octets[(position + 6)..<end]
        now += Int64(octets[position + 5]) << 20
        if let header = try? RTPHeader(parsing: packet.span) {
            playout.insert(header, packet.span, at: MonotonicInstant(nanoseconds: now))
        }
        samples.removeAll(keepingCapacity: true)
        playout.play(160, into: &samples, at: MonotonicInstant(nanoseconds: now))
        require(samples.count == 160, "whoever plays gets what was asked for")
        position = end
    }
}
