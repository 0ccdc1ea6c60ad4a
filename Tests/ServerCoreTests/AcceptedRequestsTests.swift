import SIPMessages
import SIPTransactions
import Testing

@testable import ServerCore

@Suite("Requests whose credentials were accepted a moment ago")
struct AcceptedRequestsTests {
    private static let key = SipHashKey(1, 2)
    private static let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 5070))

    private static func request(_ number: Int) -> [UInt8] { Array("REGISTER sip:a CSeq: \(number)".utf8) }

    @Test("So many are remembered; one more pushes out the oldest, and it alone")
    func isBounded() {
        var accepted = AcceptedRequests()
        func knows(_ number: Int) -> Bool {
            accepted.contains(Self.request(number).span, over: Self.flow, key: Self.key, at: .start)
        }
        for number in 0..<AcceptedRequests.capacity {
            accepted.add(Self.request(number).span, over: Self.flow, key: Self.key, at: .start)
        }
        #expect(knows(0) && knows(1) && knows(AcceptedRequests.capacity - 1))
        accepted.add(Self.request(AcceptedRequests.capacity).span, over: Self.flow, key: Self.key, at: .start)
        #expect(!knows(0) && knows(1) && knows(AcceptedRequests.capacity))
    }

    @Test("It is known from where it came from alone, and for as long as a client sends it again: 64*T1")
    func isThatRequest() {
        var accepted = AcceptedRequests()
        let request = Self.request(1)
        accepted.add(request.span, over: Self.flow, key: Self.key, at: .start)
        var other = Self.flow
        other.remote.port += 1
        let (atEnd, later) = (
            MonotonicInstant.start.advanced(by: .seconds(32)),
            MonotonicInstant.start.advanced(by: .milliseconds(32_001))
        )
        func isKnown(over flow: Flow, at now: MonotonicInstant) -> Bool {
            accepted.contains(request.span, over: flow, key: Self.key, at: now)
        }
        #expect(isKnown(over: Self.flow, at: atEnd))
        #expect(!isKnown(over: Self.flow, at: later))
        #expect(!isKnown(over: other, at: .start))
    }
}
