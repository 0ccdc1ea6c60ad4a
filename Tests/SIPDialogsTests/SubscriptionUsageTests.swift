import SIPDialogs
import SIPMessages
import Testing

@Suite("The notifier's end of a subscription (RFC 6665 §4.2)")
struct NotifierUsageTests {
    private let start = MonotonicInstant.start

    private func usage(isActive: Bool = true, expires: UInt32 = 60) -> NotifierUsage {
        NotifierUsage(EventType("refer"), isActive: isActive, expires: expires, body: [0], at: self.start)
    }

    @Test("The first NOTIFY is due at once; the next when it is answered, in the order of what happened")
    func order() {
        var usage = self.usage()
        usage.report([1])
        usage.report([2])
        #expect(usage.next(at: self.start)?.body == [0])
        #expect(usage.next(at: self.start) == nil)
        usage.answered(200)
        #expect(usage.next(at: self.start)?.body == [1])
        usage.finish([3], reason: "noresource")
        usage.answered(200)
        #expect(usage.next(at: self.start)?.body == [2])
        usage.answered(200)
        let last = usage.next(at: self.start)
        #expect(last?.body == [3])
        #expect(last?.state == SubscriptionState("terminated", reason: "noresource"))
        #expect(!usage.isGone)
        usage.answered(200)
        #expect(usage.isGone)
    }

    @Test("It says how long it lasts, less each time")
    func expires() {
        var usage = self.usage()
        #expect(usage.next(at: self.start)?.state == SubscriptionState("active", expires: 60))
        usage.answered(200)
        usage.report([1])
        let later = self.start.advanced(by: .seconds(20))
        #expect(usage.next(at: later)?.state == SubscriptionState("active", expires: 40))
    }

    @Test("Not allowed yet it is pending; allowed it says so")
    func pending() {
        var usage = self.usage(isActive: false)
        #expect(usage.next(at: self.start)?.state.isPending == true)
        usage.answered(200)
        usage.accept()
        usage.accept()
        #expect(usage.next(at: self.start)?.state.isActive == true)
        usage.answered(200)
        #expect(usage.next(at: self.start) == nil)
    }

    @Test("When its time is over the last NOTIFY says what was said last")
    func timeout() {
        var usage = self.usage()
        _ = usage.next(at: self.start)
        usage.answered(200)
        #expect(usage.wakeAt == self.start.advanced(by: .seconds(60)))
        usage.wake(at: usage.wakeAt)
        let last = usage.next(at: self.start.advanced(by: .seconds(60)))
        #expect(last?.state == SubscriptionState("terminated", reason: "timeout"))
        #expect(last?.body == [0])
    }

    @Test("A SUBSCRIBE prolongs it, or with 0 ends it (§4.2.1.4)", arguments: [0, 100] as [UInt32])
    func subscribe(expires: UInt32) {
        var usage = self.usage()
        _ = usage.next(at: self.start)
        usage.answered(200)
        usage.subscribed(expires: expires, at: self.start)
        let next = usage.next(at: self.start)
        #expect(next?.state.isTerminated == (expires == 0))
        #expect(next?.state.expires == (expires == 0 ? nil : 100))
    }

    @Test(
        "Answers that end the subscription, and such that do not (RFC 5057 §5.1)",
        arguments: [(481, true), (489, true), (404, true), (408, true), (500, false), (503, false), (401, false)]
            as [(StatusCode, Bool)])
    func refused(status: StatusCode, isOver: Bool) {
        var usage = self.usage()
        _ = usage.next(at: self.start)
        usage.answered(status)
        #expect(usage.isGone == isOver)
    }

    @Test("Of too many reports the oldest are left out, never the last")
    func bound() {
        var usage = self.usage()
        _ = usage.next(at: self.start)
        for number in 1...100 { usage.report([UInt8(number)]) }
        usage.finish([200], reason: "noresource")
        var bodies: [UInt8] = []
        usage.answered(200)
        while let next = usage.next(at: self.start) {
            bodies += next.body
            usage.answered(200)
        }
        #expect(bodies == [94, 95, 96, 97, 98, 99, 100, 200])
    }
}

@Suite("The subscriber's end of a subscription (RFC 6665 §4.1)")
struct SubscriberUsageTests {
    private let start = MonotonicInstant.start

    private func usage() -> SubscriberUsage {
        SubscriberUsage(EventType("refer"), timerN: .seconds(32), at: self.start)
    }

    @Test("Without NOTIFY it is over after timer N (§4.1.2.4)")
    func timerN() {
        var usage = self.usage()
        #expect(usage.wakeAt == self.start.advanced(by: .seconds(32)))
        #expect(usage.wake(at: self.start.advanced(by: .seconds(31))) == .nothing)
        #expect(usage.wake(at: usage.wakeAt) == .expired)
    }

    @Test("Before its time is over more is asked for, once; then it expires")
    func refresh() {
        var usage = self.usage()
        let state = SubscriptionState("active", expires: 100)
        #expect(usage.receive(EventType("refer", id: "7"), state, at: self.start) == .stands)
        #expect(usage.event.id == "7")
        #expect(usage.wakeAt == self.start.advanced(by: .seconds(68)))
        #expect(usage.wake(at: usage.wakeAt) == .refresh)
        #expect(usage.wakeAt == self.start.advanced(by: .seconds(100)))
        usage.refreshed(expires: 100, at: self.start.advanced(by: .seconds(70)))
        #expect(usage.wakeAt == self.start.advanced(by: .seconds(138)))
        #expect(usage.wake(at: self.start.advanced(by: .seconds(170))) == .expired)
    }

    @Test("NOTIFY ends it, and says why (§4.1.3)")
    func terminated() {
        var usage = self.usage()
        let state = SubscriptionState("terminated", reason: "noresource")
        #expect(usage.receive(EventType("refer"), state, at: self.start) == .terminated(reason: "noresource"))
    }
}
