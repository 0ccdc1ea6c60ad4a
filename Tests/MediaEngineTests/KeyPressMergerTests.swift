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

    @Test("With loss that leaves one way of each press, each press is one", arguments: 0..<200)
    func withLoss(seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        var kept: [Int] = []
        for _ in 0..<12 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            kept.append(1 + Int(state >> 33) % 7)
        }
        let keys = "112233440055"
        #expect(Self.merged(keys, every: 900) { kept[$0] & Int($1.rawValue) == 0 } == keys)
    }

    @Test("What is remembered is bounded")
    func bounded() {
        var merger = KeyPressMerger()
        let pressed = (0..<1_000).compactMap { _ in merger.report("1", by: .inBand, at: .start) }
        #expect(pressed.count == 1_000)
    }
}
