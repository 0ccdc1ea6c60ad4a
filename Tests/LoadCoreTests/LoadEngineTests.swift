import LoadCore
import SIPMessages
import SIPTransactions
import Testing

@Suite("Load generator and responder (RFC 3261 §13, §17)")
struct LoadEngineTests {
    @Test("Calls are set up, held and hung up, and nothing is left of them")
    func callsComplete() {
        var plan = LoadPlan.sample(.calls, rate: 100, duration: .seconds(2))
        plan.hold = .seconds(1)
        let outcome = LoadWorld.run(plan, answering: .taking(answerAfter: .milliseconds(100)), for: .seconds(50))
        #expect(outcome.begun.started == 200)
        #expect(outcome.begun.succeeded == 200)
        #expect(outcome.begun.failed == 0)
        #expect(outcome.begun.statuses == [200: 200])
        #expect(outcome.begun.ringing.count == 200 && outcome.begun.ending.count == 200)
        // 10 ms for the way there and back; 4 ms at most for the timer of the answer.
        #expect((110_000...116_000).contains(outcome.begun.answer.minimum))
        #expect((110_000...116_000).contains(outcome.begun.answer.maximum))
        #expect((10_000...10_100).contains(outcome.begun.ringing.value(at: 50)))
        #expect(outcome.answered.answered == 200 && outcome.answered.unacknowledged == 0)
        #expect(outcome.begun.retransmissions == 0 && outcome.answered.retransmissions == 0)
        // INVITE, 180, 200, ACK, BYE, 200.
        #expect(outcome.messages.count == 6 * 200)
        #expect(outcome.isDone && outcome.calls == 0 && outcome.transactions == 0)
    }

    @Test("With a third of the packets lost every call still ends, and nothing is left of it", arguments: 0..<40)
    func callsSurviveLoss(seed: UInt64) {
        let plan = LoadPlan.sample(.calls, rate: 20, duration: .seconds(2))
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(140), loss: 0.3, seed: seed)
        #expect(outcome.begun.started == 40)
        #expect(outcome.begun.ended == 40)
        #expect(outcome.begun.retransmissions > 0)
        #expect(outcome.isDone && outcome.transactions == 0)
        // A call stays up at the responder only where all of its BYEs, eleven in 32 seconds, were lost.
        #expect(outcome.calls <= Int(outcome.begun.failed))
    }

    @Test("Latency counts from the moment at which a request should have begun, though the one before held it back")
    func latencyCountsFromTheIntendedMoment() {
        // One at a time, each of which takes 100 ms, but twenty a second: the 20th waits for 950 ms before it begins.
        let plan = LoadPlan.sample(.options, rate: 20, duration: .seconds(1), concurrency: 1)
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(10), delay: .milliseconds(50))
        #expect(outcome.begun.succeeded == 20)
        #expect(outcome.begun.answer.minimum == 100_000)
        #expect(outcome.begun.answer.maximum == 1_050_000)
        #expect(outcome.begun.heldBack == 19)
        #expect(outcome.begun.peak == 1)
    }

    @Test("Without a rate as many are under way as may be, until the time is over")
    func closedLoop() {
        let plan = LoadPlan.sample(.messages, rate: nil, duration: .seconds(1), concurrency: 10)
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(3), delay: .milliseconds(50))
        // Each takes 100 ms, so that ten rounds of ten begin within the second.
        #expect(outcome.begun.succeeded == 100)
        #expect(outcome.begun.peak == 10)
        #expect(outcome.isDone)
    }

    @Test("Nothing begins before the run does: it would not be counted", arguments: [nil, 1000])
    func beginning(rate: Double?) {
        let begin = MonotonicInstant(nanoseconds: 1_000_000_000)
        let address = SocketAddress(IPAddress.loopback, 5080)
        var engine = LoadEngine(
            LoadPlan.sample(.options, rate: rate, duration: .seconds(1), concurrency: 1),
            sources: [LoadSource(.udp, address)], server: Flow(endpoint: 0, transport: .udp, remote: address),
            seed: (SipHashKey(1, 2), SipHashKey(3, 4)), beginning: begin)
        var outbox = Outbox()
        engine.wake(at: begin.advanced(by: .milliseconds(-20)), into: &outbox)
        let early = outbox.messages.count
        engine.wake(at: begin, into: &outbox)
        let then = outbox.messages.count
        #expect(early == 0 && then == 1)
    }

    @Test("No more begin than are asked for")
    func countLimits() {
        var plan = LoadPlan.sample(.options, rate: 1000, duration: .seconds(60))
        plan.count = 7
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(2))
        #expect(outcome.begun.succeeded == 7)
        #expect(outcome.isDone)
    }

    @Test("A refusal is counted by its status and acknowledged (§17.1.1.3)", arguments: [UInt16(486), 503, 603])
    func refusalsAreCounted(status: UInt16) {
        let plan = LoadPlan.sample(.calls, rate: 10, duration: .seconds(1))
        let outcome = LoadWorld.run(plan, answering: .taking(status: status), for: .seconds(50))
        #expect(outcome.begun.rejected == 10)
        #expect(outcome.begun.statuses == [status: 10])
        #expect(outcome.messages.count { $0.hasPrefix("ACK ") } == 10)
        #expect(outcome.answered.retransmissions == 0)
        #expect(outcome.transactions == 0)
    }

    @Test("A call that rings for too long is cancelled and counts as unanswered (§9.1)")
    func unansweredCallsAreCancelled() {
        var plan = LoadPlan.sample(.calls, rate: 5, duration: .seconds(1))
        plan.patience = .seconds(2)
        let outcome = LoadWorld.run(plan, answering: .taking(answerAfter: .seconds(30)), for: .seconds(80))
        #expect(outcome.begun.timedOut == 5)
        #expect(outcome.messages.count { $0.hasPrefix("CANCEL ") } == 5)
        #expect(outcome.answered.statuses == [487: 5])
        #expect(outcome.calls == 0 && outcome.transactions == 0)
    }

    @Test("Nobody there: each is given up after 64*T1 (§17.1.1.2)")
    func silenceTimesOut() {
        let plan = LoadPlan.sample(.calls, rate: 5, duration: .seconds(1))
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(40), loss: 1)
        #expect(outcome.begun.timedOut == 5)
        // Sent again after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
        #expect(outcome.begun.retransmissions == 30)
        #expect(outcome.isDone && outcome.transactions == 0)
    }

    @Test("An interruption hangs up calls that are up, and cancels those that ring")
    func interruptionEndsCalls() {
        var plan = LoadPlan.sample(.calls, rate: 10, duration: .seconds(10))
        plan.hold = .seconds(60)
        // At 1.55 s sixteen have begun, of which the last five have not been answered.
        let outcome = LoadWorld.run(
            plan, answering: .taking(answerAfter: .milliseconds(490)), for: .seconds(50),
            interrupt: .milliseconds(1550))
        #expect(outcome.begun.started == 16)
        #expect(outcome.begun.succeeded == 11)
        #expect(outcome.begun.abandoned == 5)
        #expect(outcome.messages.count { $0.hasPrefix("BYE ") } == 11)
        #expect(outcome.messages.count { $0.hasPrefix("CANCEL ") } == 5)
        #expect(outcome.isDone && outcome.calls == 0)
    }

    @Test("Registrations of a user go one after the other, with growing numbers under one Call-ID (§10.2)")
    func registrationsTakeTurns() {
        var plan = LoadPlan.sample(.registrations, rate: 10, duration: .seconds(1))
        plan.users = 3
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(50))
        #expect(outcome.begun.succeeded == 10)
        func line(_ name: String, of message: String) -> String {
            message.split(separator: "\r\n").first { $0.hasPrefix(name) }.map(String.init) ?? ""
        }
        let requests = outcome.messages.filter { $0.hasPrefix("REGISTER ") }
        #expect(Set(requests.map { line("Call-ID", of: $0) }).count == 3)
        let first = line("Call-ID", of: requests[0])
        #expect(
            requests.filter { line("Call-ID", of: $0) == first }.map { line("CSeq", of: $0) }
                == (1...4).map { "CSeq: \($0) REGISTER" })
    }

    @Test("A challenge is answered once more with credentials and the next number (§22.2), and then counts as refused")
    func challengesAreAnswered() {
        var plan = LoadPlan.sample(.messages, rate: 1, duration: .seconds(1))
        plan.credentials = LoadPlan.Credentials { challenge, value, method, uri, user, output in
            output.append(text: "Digest \(challenge.string(value)) \(method) \(uri) \(user)")
            return true
        }
        // The responder refuses with 401 but shows no challenge, so that there is nothing to answer.
        let bare = LoadWorld.run(plan, answering: .taking(status: 401), for: .seconds(5))
        #expect(bare.begun.rejected == 1 && bare.begun.challenges == 0)

        var engine = LoadEngine(
            plan, sources: [LoadSource(.udp, SocketAddress(.loopback, 5080))],
            server: Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 5070)),
            seed: (SipHashKey(1, 2), SipHashKey(3, 4)), beginning: .start)
        var outbox = Outbox()
        engine.wake(at: .start, into: &outbox)
        var requests: [String] = []
        for round in 1...3 {
            let request = String(decoding: outbox.octets, as: UTF8.self)
            requests.append(request)
            outbox.removeAll()
            let copied = request.split(separator: "\r\n").filter { line in
                ["Via", "From", "To", "Call-ID", "CSeq"].contains { line.hasPrefix($0) }
            }
            let response =
                "SIP/2.0 401 Unauthorized\r\n" + copied.joined(separator: "\r\n")
                + "\r\nWWW-Authenticate: Round\(round)\r\nContent-Length: 0\r\n\r\n"
            let octets = Array(response.utf8)
            let flow = Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 5070))
            engine.receive(octets.span, over: flow, at: .start, into: &outbox)
        }
        #expect(requests[0].contains("CSeq: 1 MESSAGE") && !requests[0].contains("Authorization"))
        #expect(requests[1].contains("CSeq: 2 MESSAGE"))
        #expect(requests[1].contains("Authorization: Digest Round1 MESSAGE sip:user1@127.0.0.1:5070 1\r\n"))
        #expect(requests[2].contains("CSeq: 3 MESSAGE"))
        #expect(requests[2].contains("Digest Round2") && !requests[2].contains("Round1"))
        var total = LoadInterval(second: -1)
        for second in engine.takeRest() { total.add(second) }
        #expect(total.rejected == 1 && total.challenges == 2 && total.statuses == [401: 1])
    }

    @Test("After the ramp only what has begun after it is counted, though calls of the ramp are still up")
    func rampDoesNotCount() {
        var plan = LoadPlan.sample(.calls, rate: 100, duration: .seconds(2))
        plan.schedule.ramp = .milliseconds(1500)
        plan.hold = .milliseconds(700)
        let outcome = LoadWorld.run(plan, answering: .taking(), for: .seconds(50))
        // The rate is there after a second and a half; from the second second on it is counted, up to three and a half.
        #expect(outcome.counted.started == 150)
        #expect(outcome.counted.succeeded == 150)
        #expect(outcome.counted.answer.count == 150 && outcome.counted.ending.count == 150)
        #expect(outcome.begun.started > 200 && outcome.isDone)
    }

    @Test("Seconds are told one by one, and add up to the whole")
    func secondsAddUp() {
        let plan = LoadPlan.sample(.options, rate: 10, duration: .seconds(3))
        var engine = LoadEngine(
            plan, sources: [LoadSource(.udp, SocketAddress(.loopback, 5080))],
            server: Flow(endpoint: 0, transport: .udp, remote: SocketAddress(.loopback, 5070)),
            seed: (SipHashKey(1, 2), SipHashKey(3, 4)), beginning: .start)
        var outbox = Outbox()
        var seconds: [LoadInterval] = []
        for tenth in 0..<32 {
            engine.wake(at: MonotonicInstant(nanoseconds: Int64(tenth) * 100_000_000), into: &outbox)
            seconds += engine.takeSeconds()
        }
        #expect(seconds.map(\.second) == [0, 1, 2])
        #expect(seconds.map(\.started) == [10, 10, 10])
        #expect(seconds.map(\.underWay) == [10, 20, 30])
    }
}
