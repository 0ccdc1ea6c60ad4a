import SIPMessages
import Testing

@testable import MediaEngine

@Suite("Key presses that come in several ways")
struct KeyPressMergerTests {
    /// The delay of each way after the key goes down: events at once, the tone when it is known, INFO at its end.
    static let delays: [(way: KeyPressMerger.Way, milliseconds: Int64)] = [
        (.telephoneEvent, 20), (.inBand, 60), (.info, 250),
    ]

    /// What comes out when keys are pressed at these distances and `isLost` says what is lost.
    static func merged(_ keys: String, every milliseconds: Int64, isLost: (Int, KeyPressMerger.Way) -> Bool) -> String {
        var reports: [(at: Int64, key: Character, way: KeyPressMerger.Way)] = []
        for (i, key) in keys.enumerated() {
            for (way, delay) in Self.delays where !isLost(i, way) {
                reports.append((Int64(i) * milliseconds + delay, key, way))
            }
        }
        var merger = KeyPressMerger()
        var pressed = ""
        for report in reports.sorted(by: { $0.at < $1.at }) {
            let now = MonotonicInstant(nanoseconds: report.at * 1_000_000)
            if let press = merger.report(report.key, by: report.way, at: now) { pressed.append(press.key) }
        }
        return pressed
    }

    @Test(
        "All three ways at once, pressed fast: each press is one", arguments: ["123", "5555", "1*1#1", "00112233AABB"])
    func allAtOnce(keys: String) {
        #expect(Self.merged(keys, every: 200) { _, _ in false } == keys)
    }

    @Test(
        "Each way alone tells every press, also of the same key",
        arguments: [.telephoneEvent, .info, .inBand] as [KeyPressMerger.Way])
    func alone(way: KeyPressMerger.Way) {
        #expect(Self.merged("1155599", every: 90) { $1 != way } == "1155599")
    }

    @Test(
        "When events and tones get lost and requests are sent again after half a second, each press is one",
        arguments: 0..<200)
    func withLoss(seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let keys = "112233440055*#*#"
        var reports: [(at: Int64, key: Character, way: KeyPressMerger.Way)] = []
        for (i, key) in keys.enumerated() {
            let at = Int64(i) * 300
            if random(4) > 0 { reports.append((at + Int64(random(60)), key, .telephoneEvent)) }
            if random(3) > 0 { reports.append((at + 20 + Int64(random(100)), key, .inBand)) }
            // Timer E: half a second, a second, two (RFC 3261 §17.1.2.2).
            reports.append((at + 120 + [0, 0, 0, 0, 500, 500, 1_500][random(7)], key, .info))
        }
        var merger = KeyPressMerger()
        var pressed: [Character] = []
        for report in reports.sorted(by: { $0.at < $1.at }) {
            let now = MonotonicInstant(nanoseconds: report.at * 1_000_000)
            if let press = merger.report(report.key, by: report.way, at: now) { pressed.append(press.key) }
        }
        #expect(pressed.sorted() == keys.sorted())
    }

    @Test("Without requests, events and tones of which each may be lost make each press one", arguments: 0..<100)
    func withoutRequests(seed: Int) {
        let keys = "112233440055"
        let isLost = { (i: Int, way: KeyPressMerger.Way) -> Bool in
            let turn = (seed &* 7 &+ i &* 13) % 3
            return way == .info || (turn == 0 && way == .inBand) || (turn == 1 && way == .telephoneEvent)
        }
        #expect(Self.merged(keys, every: 900, isLost: isLost) == keys)
    }

    @Test("What is remembered is bounded")
    func bounded() {
        var merger = KeyPressMerger()
        let pressed = (0..<1_000).compactMap { _ in merger.report("1", by: .inBand, at: .start) }
        #expect(pressed.count == 1_000)
    }
}
