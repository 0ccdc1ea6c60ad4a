import SIPDialogs
import SIPMessages
import Testing

@Suite("Retransmission of what waits for an acknowledgement (RFC 3261 §13.3.1.4, RFC 3262 §3)")
struct RetransmissionTests {
    /// The moments at which it sends again, in milliseconds, and when it gives up.
    private func run(longest: TimeSpan?) -> (sent: [Int64], gaveUp: Int64) {
        var repetition = Retransmission(t1: .milliseconds(500), longest: longest, at: .start)
        var sent: [Int64] = []
        while true {
            let now = repetition.wakeAt
            switch repetition.wake(at: now) {
            case .nothing: return (sent, -1)
            case .sendAgain: sent.append(now.nanoseconds / 1_000_000)
            case .giveUp: return (sent, now.nanoseconds / 1_000_000)
            }
        }
    }

    @Test("A 2xx is sent again from T1 to T2 until 64*T1")
    func success() {
        let run = self.run(longest: .seconds(4))
        #expect(run.sent == [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500])
        #expect(run.gaveUp == 32000)
    }

    @Test("A reliable provisional response doubles its interval without limit until 64*T1")
    func provisional() {
        let run = self.run(longest: nil)
        #expect(run.sent == [500, 1500, 3500, 7500, 15500, 31500])
        #expect(run.gaveUp == 32000)
    }
}

@Suite("Reliable provisional responses (RFC 3262)")
struct ReliableProvisionalTests {
    private let invite = CSeq(7, .invite)

    @Test("One waits for its PRACK before the next; numbers go up by one (§3)")
    func oneAtATime() throws {
        var sender = ReliableSender(first: 99, invite: 7)
        let taken = sender.take()
        let first = try #require(taken)
        #expect(sender.take() == nil)
        #expect(sender.acknowledge(RAck(first + 1, self.invite)) == false)
        #expect(sender.acknowledge(RAck(first, CSeq(8, .invite))) == false)
        #expect(sender.acknowledge(RAck(first, CSeq(7, .update))) == false)
        #expect(sender.acknowledge(RAck(first, self.invite)) == true)
        #expect(sender.acknowledge(RAck(first, self.invite)) == false)
        #expect(sender.take() == first + 1)
    }

    @Test("The first number is between 1 and 2^31-1 (§3)", arguments: [UInt64(0), 0x7FFF_FFFE, 0x7FFF_FFFF, .max])
    func firstNumber(random: UInt64) throws {
        var sender = ReliableSender(first: random, invite: 1)
        let taken = sender.take()
        let number = try #require(taken)
        #expect(number >= 1 && number <= 0x7FFF_FFFF)
    }

    @Test("What comes out of order is not acknowledged (§4)")
    func receiver() {
        var receiver = ReliableReceiver()
        #expect(receiver.receive(776656) == .next)
        #expect(receiver.receive(776656) == .repeated)
        #expect(receiver.receive(776658) == .early)
        #expect(receiver.receive(776657) == .next)
        #expect(receiver.receive(776658) == .next)
        #expect(receiver.receive(1) == .repeated)
    }
}

@Suite("Session timers (RFC 4028)")
struct SessionTimerTests {
    private let policy = SessionTimerPolicy(interval: 1800, minimum: 90)

    private func answer(_ fields: (String, String)..., refresher: Bool? = nil) throws -> SessionTimerPolicy.Answer {
        self.policy.answer(try Messages.invite(fields: fields), isRefresher: refresher)
    }

    @Test("The refresher of the 2xx follows table 2 (§9)")
    func tableTwo() throws {
        #expect(
            try self.answer(("Session-Expires", "1800"))
                == .timer(SessionExpires(1800, refresher: .uas), isRefresher: true, requires: false))
        #expect(
            try self.answer(("Session-Expires", "1800;refresher=uac"), ("Supported", "timer"))
                == .timer(SessionExpires(1800, refresher: .uac), isRefresher: false, requires: true))
        #expect(
            try self.answer(("Session-Expires", "1800;refresher=uas"), ("Supported", "timer"))
                == .timer(SessionExpires(1800, refresher: .uas), isRefresher: true, requires: true))
        #expect(
            try self.answer(("Session-Expires", "1800"), ("Supported", "timer"), refresher: true)
                == .timer(SessionExpires(1800, refresher: .uas), isRefresher: true, requires: true))
    }

    @Test("An interval below ours is refused with 422 where the caller knows timers (§9)")
    func tooSmall() throws {
        let policy = SessionTimerPolicy(interval: 1800, minimum: 120)
        let knowing = try Messages.invite(fields: [("Session-Expires", "100"), ("Supported", "timer")])
        #expect(policy.answer(knowing) == .tooSmall(minimum: 120))
        let unknowing = try Messages.invite(fields: [("Session-Expires", "100")])
        #expect(
            policy.answer(unknowing)
                == .timer(SessionExpires(100, refresher: .uas), isRefresher: true, requires: false))
    }

    @Test(
        "The interval may be made shorter, but not below the Min-SE of the request, and never longer (§9)",
        arguments: [
            ("3600", "90", UInt32(1800)), ("3600", "2400", 2400), ("600", "90", 600),
        ])
    func interval(asked: String, minimum: String, agreed: UInt32) throws {
        let answer = try self.answer(("Session-Expires", asked), ("Min-SE", minimum), ("Supported", "timer"))
        #expect(answer == .timer(SessionExpires(agreed, refresher: .uac), isRefresher: false, requires: true))
    }

    @Test("Without Session-Expires and without support there is no timer (§9)")
    func none() throws { #expect(try self.answer() == .none) }

    @Test("The refresher refreshes half way and gives up at the end (§10)")
    func refresher() {
        var timer = SessionTimer(interval: 90, isRefresher: true, at: .start)
        #expect(timer.wakeAt == MonotonicInstant.start.advanced(by: .seconds(45)))
        #expect(timer.wake(at: timer.wakeAt) == .refresh)
        #expect(timer.wakeAt == MonotonicInstant.start.advanced(by: .seconds(90)))
        #expect(timer.wake(at: timer.wakeAt) == .expire)
    }

    @Test(
        "The other side gives up a third of the interval, at most 32 s, before its end (§10)",
        arguments: [
            (UInt32(90), Int64(60)), (1800, 1768),
        ])
    func waiting(interval: UInt32, end: Int64) {
        var timer = SessionTimer(interval: interval, isRefresher: false, at: .start)
        #expect(timer.wakeAt == MonotonicInstant.start.advanced(by: .seconds(end)))
        #expect(timer.wake(at: timer.wakeAt) == .expire)
    }
}

@Suite("Requests that get in each other's way (RFC 3261 §14, RFC 5407)")
struct InviteUsageTests {
    /// A session after INVITE, 200 and ACK of the other side.
    private func established() -> InviteUsage {
        var usage = InviteUsage()
        _ = usage.receivedInvite(hasDescription: true)
        _ = usage.descriptions.pass(.success, from: .local, hasDescription: true)
        usage.answeredInvite(isSuccess: true)
        return usage
    }

    @Test("A re-INVITE that crosses ours is answered with 491 (§14.2)")
    func crossing() {
        var usage = self.established()
        usage.awaitsACK = false
        #expect(usage.mayInvite)
        usage.sentInvite(hasDescription: true)
        #expect(usage.receivedInvite(hasDescription: true) == .requestPending)
        #expect(!usage.mayInvite)
        usage.inviteEnded(isSuccess: false)
        #expect(usage.receivedInvite(hasDescription: true) == .accept(.offer))
    }

    @Test("A second INVITE before the answer to the first is answered with 500 (§14.2)")
    func overlapping() {
        var usage = InviteUsage()
        #expect(usage.receivedInvite(hasDescription: true) == .accept(.offer))
        #expect(usage.receivedInvite(hasDescription: true) == .retryLater)
    }

    @Test("Before the ACK a re-INVITE is taken, but none is sent (RFC 5407 §3.1.4)")
    func moratorium() {
        var usage = self.established()
        #expect(!usage.mayInvite)
        #expect(usage.receivedInvite(hasDescription: true) == .accept(.offer))
    }

    @Test("Before the ACK that brings the answer to our offer, a re-INVITE gets 491 (RFC 5407 §3.1.5)")
    func moratoriumWithOffer() {
        var usage = InviteUsage()
        _ = usage.receivedInvite(hasDescription: false)
        _ = usage.descriptions.pass(.success, from: .local, hasDescription: true)
        usage.answeredInvite(isSuccess: true)
        #expect(usage.receivedInvite(hasDescription: true) == .requestPending)
    }

    @Test(
        "After a 491 the owner of the Call-ID waits 2.1 to 4 s, the other up to 2 s (§14.1)",
        arguments: [
            UInt64(0), 190, 200, 12345, .max,
        ])
    func glareDelay(random: UInt64) {
        let caller = InviteUsage.glareDelay(isCaller: true, random: random)
        let callee = InviteUsage.glareDelay(isCaller: false, random: random)
        #expect(caller >= .milliseconds(2100) && caller <= .seconds(4))
        #expect(callee >= .zero && callee <= .seconds(2))
        #expect(caller.nanoseconds % 10_000_000 == 0 && callee.nanoseconds % 10_000_000 == 0)
    }
}
