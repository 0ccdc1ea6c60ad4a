import SIPMessages
import Testing

@testable import RTP

@Suite("Telephone events (RFC 4733)")
struct TelephoneEventTests {
    /// What a sender sends for these keys, one entry for each packet time of 20 ms; `nil` where sound is sent.
    static func sent(_ keys: String, milliseconds: UInt32 = 100, pause: UInt32 = 60) -> [TelephoneEventSender.Packet?] {
        var sender = TelephoneEventSender(clockRate: 8_000)
        for key in keys {
            if let code = TelephoneEvent.code(of: key) {
                _ = sender.send(code, milliseconds: milliseconds, pause: pause)
            }
        }
        var packets: [TelephoneEventSender.Packet?] = []
        var timestamp: UInt32 = 0xFFFF_FE00
        while !sender.isIdle, packets.count < 10_000 {
            packets.append(sender.next(timestamp: timestamp, ticks: 160))
            timestamp &+= 160
        }
        return packets
    }

    static func octets(_ packet: TelephoneEventSender.Packet, sequence: UInt16, ssrc: UInt32 = 1) -> [UInt8] {
        var octets: [UInt8] = []
        RTPHeader(
            payloadType: 101, hasMarker: packet.hasMarker, sequenceNumber: sequence, timestamp: packet.timestamp,
            ssrc: ssrc
        ).append(to: &octets)
        packet.event.append(to: &octets)
        return octets
    }

    static func receive(_ packets: [[UInt8]], _ receiver: inout TelephoneEventReceiver) throws
        -> [TelephoneEventReceiver.Happening]
    {
        var happenings: [TelephoneEventReceiver.Happening] = []
        for octets in packets {
            receiver.receive(try RTPHeader(parsing: octets.span), octets.span, at: .start, into: &happenings)
        }
        return happenings
    }

    @Test("An event of 100 ms: marked at first, growing by 160, its end sent three times, then a pause (§2.5.1)")
    func sends() {
        let packets = Self.sent("5")
        let events = packets.compactMap { $0 }
        #expect(events.map(\.hasMarker) == [true, false, false, false, false, false, false])
        #expect(events.map(\.event.duration) == [160, 320, 480, 640, 800, 800, 800])
        #expect(events.map(\.event.isEnd) == [false, false, false, false, true, true, true])
        #expect(Set(events.map(\.timestamp)) == [0xFFFF_FE00])
        #expect(events.allSatisfy { $0.event.code == 5 && $0.event.volume == 10 })
        #expect(packets.count == 11)  // 7 packets, 60 ms, and the one with which the pause is over.
    }

    @Test("A long event goes on in segments of 0xFFFF, of which only the last has an end (§2.5.1.3)")
    func segments() {
        let events = Self.sent("5", milliseconds: 20_000).compactMap { $0 }
        #expect(Set(events.map(\.timestamp)).count == 3)
        #expect(events.filter { $0.hasMarker }.count == 1)
        #expect(events.filter { $0.event.isEnd }.map(\.event.duration) == [28_930, 28_930, 28_930])
        #expect(events.filter { $0.event.duration == 0xFFFF }.allSatisfy { !$0.event.isEnd })
        var receiver = TelephoneEventReceiver(clockRate: 8_000)
        let octets = events.enumerated().map { Self.octets($1, sequence: UInt16($0)) }
        #expect(
            (try? Self.receive(octets, &receiver)) == [.began(code: 5), .ended(code: 5, duration: 160_000)])
    }

    @Test("Each key arrives exactly once in order, with loss up to what leaves one packet of each", arguments: 0..<200)
    func exactlyOnce(seed: Int) throws {
        let keys = "1123*#00ABCD55"
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var stream: [(packet: [UInt8], key: Int)] = []
        var key = -1
        for (i, packet) in Self.sent(keys).enumerated() {
            guard let packet else { continue }
            if packet.hasMarker { key += 1 }
            stream.append((Self.octets(packet, sequence: UInt16(i)), key))
        }
        // Lose half, but leave one of each key; double some; let neighbours of one key change places.
        var kept: [(packet: [UInt8], key: Int)] = []
        for entry in stream where random(2) == 0 { kept.append(entry) }
        for k in 0..<keys.count where !kept.contains(where: { $0.key == k }) {
            let place = kept.firstIndex { $0.key > k } ?? kept.count
            if let one = stream.last(where: { $0.key == k }) { kept.insert(one, at: place) }
        }
        var delivered: [[UInt8]] = []
        for (i, entry) in kept.enumerated() {
            if i > 0, kept[i - 1].key == entry.key, random(4) == 0 {
                delivered.insert(entry.packet, at: delivered.count - 1)
            } else {
                delivered.append(entry.packet)
            }
            if random(5) == 0 { delivered.append(entry.packet) }
        }
        var receiver = TelephoneEventReceiver(clockRate: 8_000)
        let happenings = try Self.receive(delivered, &receiver)
        let pressed = happenings.compactMap { happening -> Character? in
            if case .began(let code) = happening { return TelephoneEvent.key(of: code) }
            return nil
        }
        #expect(String(pressed) == keys)
    }

    @Test("An event without its end ends after a while, and its late packets are not a new one")
    func lostEnd() throws {
        var receiver = TelephoneEventReceiver(clockRate: 8_000)
        let packets = Self.sent("7").compactMap { $0 }.enumerated().map { Self.octets($1, sequence: UInt16($0)) }
        #expect(try Self.receive([packets[0], packets[1]], &receiver) == [.began(code: 7)])
        #expect(receiver.isActive)
        var happenings: [TelephoneEventReceiver.Happening] = []
        receiver.wake(at: MonotonicInstant(nanoseconds: 250_000_000), into: &happenings)
        #expect(happenings.isEmpty)
        receiver.wake(at: MonotonicInstant(nanoseconds: 251_000_000), into: &happenings)
        #expect(happenings == [.ended(code: 7, duration: 320)])
        #expect(try Self.receive([packets[5], packets[6]], &receiver).isEmpty)
    }

    @Test("A peer that moves the timestamp within an event presses one key")
    func movingTimestamp() throws {
        var receiver = TelephoneEventReceiver(clockRate: 8_000)
        var packets: [[UInt8]] = []
        for i: UInt16 in 0..<5 {
            let event = TelephoneEvent(code: 3, isEnd: i == 4, volume: 10, duration: 160)
            let packet = TelephoneEventSender.Packet(hasMarker: i == 0, timestamp: 160 * UInt32(i), event: event)
            packets.append(Self.octets(packet, sequence: i))
        }
        #expect(try Self.receive(packets, &receiver) == [.began(code: 3), .ended(code: 3, duration: 800)])
    }

    @Test("Events packed into one packet are keys of their own (§2.5.1.5)")
    func packed() throws {
        var octets: [UInt8] = []
        RTPHeader(payloadType: 101, hasMarker: true, sequenceNumber: 1, timestamp: 0, ssrc: 1).append(to: &octets)
        TelephoneEvent(code: 1, isEnd: true, volume: 0, duration: 400).append(to: &octets)
        TelephoneEvent(code: 2, isEnd: true, volume: 0, duration: 400).append(to: &octets)
        var receiver = TelephoneEventReceiver(clockRate: 8_000)
        #expect(
            try Self.receive([octets, octets], &receiver) == [
                .began(code: 1), .ended(code: 1, duration: 400), .began(code: 2), .ended(code: 2, duration: 400),
            ])
    }

    @Test("A new source begins anew, with any timestamp")
    func newSource() throws {
        var receiver = TelephoneEventReceiver(clockRate: 8_000)
        let packet = TelephoneEventSender.Packet(
            hasMarker: true, timestamp: 5_000, event: TelephoneEvent(code: 9, isEnd: true, volume: 0, duration: 800))
        var older = packet
        older.timestamp = 100
        let happenings = try Self.receive(
            [
                Self.octets(packet, sequence: 1), Self.octets(older, sequence: 2),
                Self.octets(older, sequence: 3, ssrc: 2),
            ],
            &receiver)
        #expect(happenings.count == 4)
    }

    @Test("Orders beyond the capacity are refused")
    func bounded() {
        var sender = TelephoneEventSender(clockRate: 8_000)
        let taken = (0...TelephoneEventSender.capacity).map { _ in sender.send(1) }
        #expect(taken.filter { $0 }.count == TelephoneEventSender.capacity)
        #expect(taken.last == false)
    }

    @Test("Keys and codes (RFC 4733 §3.2, table 3)")
    func keys() {
        #expect("0123456789*#ABCD".compactMap { TelephoneEvent.code(of: $0) } == Array(0...15))
        #expect((0...15).compactMap { TelephoneEvent.key(of: $0) } == Array("0123456789*#ABCD"))
        #expect(TelephoneEvent.code(of: "d") == 15)
        #expect(TelephoneEvent.code(of: "E") == nil)
        #expect(TelephoneEvent.key(of: 16) == nil)
    }
}
