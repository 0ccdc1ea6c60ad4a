import SIPMessages
import Testing

@testable import ServerCore

@Suite("Who does wrong too often")
struct OffenceLedgerTests {
    private static let source = IPAddress(v4: 0xC000_0201)

    private static func moment(_ seconds: Int64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: (1000 + seconds) * 1_000_000_000)
    }

    private static func ledger(_ edit: (inout OffenceLedger.Policy) -> Void = { _ in }) -> OffenceLedger {
        var policy = OffenceLedger.Policy()
        (policy.wrongCredentials, policy.malformed, policy.duration) = (10, 20, .seconds(300))
        edit(&policy)
        return OffenceLedger(policy: policy)
    }

    @Test(
        "One more than the limit within ten minutes leads to a sanction: a ban where the address is proven, else a limit",
        arguments: [true, false], Offence.allCases)
    func sanctions(isProven: Bool, offence: Offence) throws {
        var ledger = Self.ledger()
        let limit = offence == .malformed ? 20 : 10
        let notes = (0...limit).map { _ in
            ledger.note(offence, from: Self.source, isProven: isProven, at: Self.moment(0))
        }
        #expect(notes.dropLast().allSatisfy { $0 == nil })
        let new = try #require(notes.last ?? nil)
        #expect(new.sanction == (isProven ? .banned : .limited))
        #expect(new.offence == offence && new.source == Self.source && new.end == Self.moment(300))
        #expect(ledger.sources == [new])
        let again = ledger.note(offence, from: Self.source, isProven: isProven, at: Self.moment(1))
        #expect(again == nil)  // It is told once.
    }

    @Test("A device that tries the same wrong password every two minutes is never kept out")
    func leaks() {
        var ledger = Self.ledger()
        for attempt in 0..<5000 {
            let moment = Self.moment(Int64(attempt) * 120)
            let note = ledger.note(.wrongCredentials, from: Self.source, isProven: true, at: moment)
            #expect(note == nil)
        }
    }

    @Test("It ends with its time, or when it is lifted; then what was done is forgotten")
    func ends() {
        var ledger = Self.ledger()
        func offend(_ count: Int, at moment: MonotonicInstant) {
            for _ in 0..<count { _ = ledger.note(.malformed, from: Self.source, isProven: true, at: moment) }
        }
        offend(21, at: Self.moment(0))
        let early = ledger.expire(at: Self.moment(299))
        #expect(!early && ledger.sources.count == 1)
        let isOver = ledger.expire(at: Self.moment(300))
        #expect(isOver && ledger.sources.isEmpty)
        offend(21, at: Self.moment(2000))
        #expect(ledger.sources.count == 1)
        let lifted = [ledger.lift(Self.source), ledger.lift(Self.source)]
        #expect(lifted == [true, false] && ledger.sources.isEmpty)
        offend(20, at: Self.moment(2001))
        #expect(ledger.sources.isEmpty)
    }

    @Test("Who is limited for what came in his name is banned for what he proves to be his; not the other way round")
    func proofCounts() {
        var ledger = Self.ledger()
        for _ in 0..<11 { _ = ledger.note(.wrongCredentials, from: Self.source, isProven: false, at: Self.moment(0)) }
        #expect(ledger.sources.map(\.sanction) == [.limited])
        for _ in 0..<11 { _ = ledger.note(.wrongCredentials, from: Self.source, isProven: true, at: Self.moment(1)) }
        #expect(ledger.sources.map(\.sanction) == [.banned])
        for _ in 0..<11 { _ = ledger.note(.malformed, from: Self.source, isProven: false, at: Self.moment(2)) }
        #expect(ledger.sources.map(\.sanction) == [.banned])
    }

    @Test("The addresses of one IPv6 customer are one source")
    func countsCustomers() {
        var ledger = Self.ledger()
        for number in UInt64(0)..<11 {
            let address = IPAddress(v6: 0x2001_0DB8_0000_0001, number)
            _ = ledger.note(.wrongCredentials, from: address, isProven: true, at: Self.moment(0))
        }
        #expect(ledger.sources.map(\.source) == [IPAddress(v6: 0x2001_0DB8_0000_0001, 0)])
    }

    @Test("Forged addresses push out nobody who has proved his, and fill no more than their table")
    func isBounded() {
        var ledger = Self.ledger()
        for _ in 0..<10 { _ = ledger.note(.wrongCredentials, from: Self.source, isProven: true, at: Self.moment(0)) }
        for number in 0..<UInt32(3 * OffenceLedger.capacity) {
            _ = ledger.note(.malformed, from: IPAddress(v4: number), isProven: false, at: Self.moment(0))
        }
        let note = ledger.note(.wrongCredentials, from: Self.source, isProven: true, at: Self.moment(0))
        #expect(note != nil)
        // Those that came too late are not counted; when the table has leaked they are.
        let late = IPAddress(v4: UInt32(3 * OffenceLedger.capacity - 1))
        let uncounted = (0..<30).map { _ in
            ledger.note(.malformed, from: late, isProven: false, at: Self.moment(0))
        }
        #expect(uncounted.allSatisfy { $0 == nil })
        var last: SanctionedSource?
        for _ in 0..<21 { last = ledger.note(.malformed, from: late, isProven: false, at: Self.moment(600)) ?? last }
        #expect(last?.source == late)
    }

    @Test("What is set to 0 is not counted")
    func canBeOff() {
        var ledger = Self.ledger {
            $0.wrongCredentials = 0
            $0.malformed = 0
        }
        for offence in Offence.allCases {
            let notes = (0..<1000).map { _ in
                ledger.note(offence, from: Self.source, isProven: true, at: Self.moment(0))
            }
            #expect(notes.allSatisfy { $0 == nil })
        }
    }

    @Test("A source that is banned is not served at all, one that is limited once in a window")
    func isKeptOut() {
        var admission = Admission(seed: 5)
        let other = IPAddress(v4: 0xC000_0202)
        admission.sanctions = [Self.source: .banned, other: .limited]
        for _ in 0..<3 {
            let banned = (0..<5).map { _ in admission.note(from: Self.source) }
            let limited = (0..<3).map { _ in admission.note(from: other) }
            let free = admission.note(from: IPAddress(v4: 0xC000_0203))
            #expect(banned == Array(repeating: false, count: 5))
            #expect(limited == [true, false, false] && free)
            admission.endWindow(at: .start, wait: .zero)
        }
        #expect(admission.sanctioned == 21)
    }
}
