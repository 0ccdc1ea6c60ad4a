import LoadCore
import SIPMessages
import SIPTransactions

/// A generator and a responder with a network between them, in virtual time.
struct LoadWorld: ~Copyable {
    /// What became of a run.
    struct Outcome {
        var begun = LoadInterval(second: -1)
        var answered = LoadInterval(second: -1)
        /// The same of the seconds after the ramp.
        var counted = LoadInterval(second: -1)
        /// Calls that the responder still has, and transactions of both sides.
        var calls = 0
        var transactions = 0
        var isDone = false
        /// Everything that was sent, in its order.
        var messages: [String] = []
    }

    private struct Packet {
        var at: MonotonicInstant
        var number: Int
        var toResponder: Bool
        var octets: [UInt8]
    }

    private static let generatorAddress = SocketAddress(IPAddress.loopback, 5080)
    private static let responderAddress = SocketAddress(IPAddress.loopback, 5070)

    private var generator: LoadEngine
    private var responder: LoadEngine
    private var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    private var packets: [Packet] = []
    private var sent = 0
    private var outbox = Outbox()
    private var random: RandomSource
    private let loss: Double
    private let delay: TimeSpan
    private var messages: [String] = []

    init(_ plan: LoadPlan, answering: LoadPlan.Answering, loss: Double = 0, delay: TimeSpan, seed: UInt64 = 1) {
        let start = self.now
        func key(_ number: UInt64) -> SipHashKey { SipHashKey(seed, number) }
        self.generator = LoadEngine(
            plan, sources: [LoadSource(.udp, Self.generatorAddress)],
            server: Flow(endpoint: 0, transport: .udp, remote: Self.responderAddress), seed: (key(1), key(2)),
            beginning: start)
        var other = LoadPlan(
            nil, target: NumberedText(""), account: NumberedText(""),
            schedule: ArrivalSchedule(rate: nil, duration: .zero), concurrency: 1)
        other.answering = answering
        self.responder = LoadEngine(
            other, sources: [LoadSource(.udp, Self.responderAddress)],
            server: Flow(endpoint: 0, transport: .udp, remote: Self.generatorAddress), seed: (key(3), key(4)),
            beginning: start)
        self.random = RandomSource(seed: key(5))
        (self.loss, self.delay) = (loss, delay)
    }

    /// Runs for a time, and tells what has become of it.
    ///
    /// - Parameter interrupt: When the generator is interrupted.
    static func run(
        _ plan: LoadPlan, answering: LoadPlan.Answering, for length: TimeSpan, loss: Double = 0,
        delay: TimeSpan = .milliseconds(5), interrupt: TimeSpan? = nil, seed: UInt64 = 1
    ) -> Outcome {
        var world = LoadWorld(plan, answering: answering, loss: loss, delay: delay, seed: seed)
        let start = world.now
        if let interrupt {
            world.advance(to: start.advanced(by: interrupt))
            world.generator.interrupt(at: world.now, into: &world.outbox)
            world.post(toResponder: true)
        }
        world.advance(to: start.advanced(by: length))
        var outcome = Outcome()
        outcome.isDone = world.generator.isDone
        outcome.calls = world.responder.answering
        outcome.transactions = world.generator.transactionCount + world.responder.transactionCount
        for second in world.generator.takeRest() {
            outcome.begun.add(second)
            if second.second >= plan.schedule.firstCountedSecond { outcome.counted.add(second) }
        }
        for second in world.responder.takeRest() { outcome.answered.add(second) }
        outcome.messages = world.messages
        return outcome
    }

    private mutating func advance(to end: MonotonicInstant) {
        while true {
            var next = Swift.min(self.generator.nextWakeUp, self.responder.nextWakeUp)
            let packet = self.packets.indices.min {
                (self.packets[$0].at, self.packets[$0].number) < (self.packets[$1].at, self.packets[$1].number)
            }
            if let packet { next = Swift.min(next, self.packets[packet].at) }
            guard next < end else { break }
            self.now = Swift.max(self.now, next)
            if let packet, self.packets[packet].at <= self.now {
                self.deliver(self.packets.remove(at: packet))
            }
            self.wake()
        }
        self.now = end
        self.wake()
    }

    private mutating func wake() {
        self.generator.wake(at: self.now, into: &self.outbox)
        self.post(toResponder: true)
        self.responder.wake(at: self.now, into: &self.outbox)
        self.post(toResponder: false)
    }

    private mutating func deliver(_ packet: Packet) {
        let source = packet.toResponder ? Self.generatorAddress : Self.responderAddress
        let flow = Flow(endpoint: 0, transport: .udp, remote: source)
        if packet.toResponder {
            self.responder.receive(packet.octets.span, over: flow, at: self.now, into: &self.outbox)
        } else {
            self.generator.receive(packet.octets.span, over: flow, at: self.now, into: &self.outbox)
        }
        self.post(toResponder: !packet.toResponder)
    }

    /// Puts what the outbox holds on its way.
    private mutating func post(toResponder: Bool) {
        for message in self.outbox.messages {
            self.sent += 1
            let octets = Array(self.outbox.octets[message.range.range])
            self.messages.append(String(decoding: octets, as: UTF8.self))
            let chance = Double(self.random.next() >> 11) / Double(1 << 53)
            guard chance >= self.loss else { continue }
            self.packets.append(
                Packet(
                    at: self.now.advanced(by: self.delay), number: self.sent, toResponder: toResponder, octets: octets))
        }
        self.outbox.removeAll()
    }
}

extension LoadPlan {
    /// A plan towards the responder.
    static func sample(
        _ scenario: Scenario, rate: Double?, duration: TimeSpan, concurrency: Int = 1000
    ) -> LoadPlan {
        LoadPlan(
            scenario, target: NumberedText("sip:user%d@127.0.0.1:5070"), account: NumberedText("sip:load@127.0.0.1"),
            schedule: ArrivalSchedule(rate: rate, duration: duration), concurrency: concurrency)
    }
}

extension LoadPlan.Answering {
    /// Takes calls.
    static func taking(ringAfter: TimeSpan = .zero, answerAfter: TimeSpan = .zero, status: UInt16 = 200) -> Self {
        var answering = LoadPlan.Answering()
        answering.takesCalls = true
        (answering.ringAfter, answering.answerAfter, answering.status) = (ringAfter, answerAfter, status)
        return answering
    }
}
