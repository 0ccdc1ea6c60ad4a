import SIPMessages
import SIPSimulation
import ServerSimulation
import Testing

@testable import ServerCore

@Suite("More comes than can be done (RFC 3261 §21.5.4)")
struct AdmissionTests {
    private static let flooder = IPAddress(v4: 0x0A00_0001)

    private static func neighbour(_ number: Int) -> IPAddress { IPAddress(v4: 0xC000_0200 + UInt32(number)) }

    private static func moment(ofWindow window: Int, _ milliseconds: Int = 100) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(window * 100 + milliseconds) * 1_000_000)
    }

    private enum Standing {
        case served, refused, dropped
    }

    /// What becomes of new work.
    private static func standing(
        _ admission: inout Admission, of source: IPAddress, at now: MonotonicInstant
    ) -> Standing {
        guard admission.note(from: source) else { return .dropped }
        return admission.begins(from: source, at: now) ? .served : .refused
    }

    /// One window at whose end sources want to begin so much; what became of each source's.
    private static func window(
        _ number: Int, _ admission: inout Admission, _ offered: [(IPAddress, Int)], wait: TimeSpan
    ) -> [[Standing: Int]] {
        let results = offered.map { source, count in
            var standings: [Standing: Int] = [:]
            for _ in 0..<count {
                standings[Self.standing(&admission, of: source, at: Self.moment(ofWindow: number)), default: 0] += 1
            }
            return standings
        }
        admission.endWindow(at: Self.moment(ofWindow: number), wait: wait)
        return results
    }

    @Test("A thread that stood still for a moment is not overloaded; one for which all wait in three windows is")
    func notices() {
        var admission = Admission(seed: 7)
        for (number, wait) in [10, 10, 9, 10, 80].enumerated() {
            _ = Self.window(number, &admission, [(Self.flooder, 500)], wait: .milliseconds(Int64(wait)))
            #expect(!admission.isOverloaded)
        }
        _ = Self.window(5, &admission, [(Self.flooder, 500)], wait: .milliseconds(10))
        #expect(admission.isOverloaded)
    }

    @Test("Who sends little keeps all of it, and who floods pays", arguments: [1, 5, 60])
    func isFair(neighbours: Int) {
        var admission = Admission(seed: 7)
        let offered = [(Self.flooder, 20_000)] + (0..<neighbours).map { (Self.neighbour($0), 20) }
        // A message served costs a unit, one refused a third, one dropped a fiftieth; 5000 can be done.
        var wait = Admission.longWait
        for number in 0..<200 {
            let results = Self.window(number, &admission, offered, wait: wait)
            let cost = results.reduce(0) { sum, standings in
                sum + Double(standings[.served] ?? 0) + Double(standings[.refused] ?? 0) / 3
                    + Double(standings[.dropped] ?? 0) / 50
            }
            wait = cost > 5000 ? Admission.longWait : .zero
            guard number > 20 else { continue }
            for neighbour in results.dropFirst() { #expect(neighbour == [.served: 20]) }
            // What is left the flooder may have: no more, and in the end not much less.
            let served = results.reduce(0) { $0 + $1[.served, default: 0] }
            #expect(served < 6000)
            if number > 100 { #expect(served > 3000) }
        }
        // To refuse 20,000 takes more than all the time: most of them are dropped.
        #expect(admission.dropped > 1_000_000)
    }

    @Test("New work is let in as the window goes by, and not all of it at its beginning")
    func spreads() {
        var admission = Admission(seed: 7)
        for number in 0..<3 {
            _ = Self.window(number, &admission, [(Self.flooder, 1000)], wait: Admission.longWait)
        }
        let share = Int(admission.share)
        #expect(share == 900)
        var served = 0
        for milliseconds in [0, 10, 50, 100] {
            let now = Self.moment(ofWindow: 3, milliseconds)
            while admission.begins(from: Self.flooder, at: now) { served += 1 }
            #expect(served == min(share, share * milliseconds / 100 + 18))
        }
    }

    @Test("The addresses of one IPv6 customer are one source")
    func countsNetworks() {
        var admission = Admission(seed: 0x9E37_79B9_7F4A_7C15)
        let customer = (0..<400).map { (IPAddress(v6: 0x2001_0DB8_0000_0001, UInt64($0)), 10) }
        let offered = customer + [(Self.neighbour(1), 10)]
        for number in 0..<6 { _ = Self.window(number, &admission, offered, wait: Admission.longWait) }
        let results = Self.window(6, &admission, offered, wait: Admission.longWait)
        #expect(results.last == [.served: 10])
        #expect(results.dropLast().reduce(0) { $0 + ($1[.served] ?? 0) } < 3000)
    }

    /// A message of a call of six: its first, or one that follows when the one before was served.
    private struct Message {
        var came: Int
        var step = 0
    }

    /// A thread that can serve 10 messages in a millisecond, where a refusal costs a tenth of a call and a dropped message a
    /// fiftieth; calls come at a multiple of what it can do, and 400 messages can wait.
    @Test("At three times the most that can be done, most of that is done", arguments: [1.2, 2, 3, 6])
    func keepsGoing(load: Double) {
        var admission = Admission(seed: 3)
        let (capacity, perCall, room) = (10.0, 6, 400)
        var (queue, calls, completed, left) = ([Message](), 0.0, 0, 0.0)
        var (least, hasLost) = (Int?.none, false)
        for time in 0..<30_000 {
            calls += load * capacity / Double(perCall)
            while calls >= 1 {
                calls -= 1
                if queue.count < room { queue.append(Message(came: time)) } else { hasLost = true }
            }
            left = min(left, 0) + capacity
            var taken = 0
            while left > 0, taken < queue.count {
                let message = queue[taken]
                taken += 1
                least = min(least ?? .max, taken == queue.count ? 0 : time - message.came)
                admission.wait = .milliseconds(Int64(taken == queue.count ? 0 : time - message.came))
                guard admission.note(from: Self.flooder) else {
                    left -= 0.1
                    continue
                }
                let now = MonotonicInstant(nanoseconds: Int64(time) * 1_000_000)
                let isRefused = message.step == 0 && !admission.begins(from: Self.flooder, at: now)
                left -= isRefused ? 0.6 : 1
                if isRefused { continue }
                if message.step == perCall - 1 {
                    if time >= 5_000 { completed += 1 }
                } else {
                    queue.append(Message(came: time, step: message.step + 1))
                }
            }
            queue.removeFirst(taken)
            guard time % 100 == 99 else { continue }
            let wait = TimeSpan.milliseconds(Int64(least ?? 0))
            admission.endWindow(
                at: MonotonicInstant(nanoseconds: Int64(time) * 1_000_000),
                wait: hasLost && wait > .zero ? max(wait, Admission.longWait) : wait)
            (least, hasLost) = (nil, false)
        }
        let goodput = Double(completed * perCall) / (capacity * 25_000)
        // What the refusals themselves cost is lost for calls.
        let best = min((1 - 0.1 * load) / 0.9, 1)
        #expect(goodput >= 0.85 * best, "\(goodput)")
    }

    @Test("When the load is gone, so is the limit")
    func recovers() {
        var admission = Admission(seed: 3)
        for number in 0..<10 { _ = Self.window(number, &admission, [(Self.flooder, 900)], wait: Admission.longWait) }
        #expect(admission.isOverloaded)
        for number in 10..<110 { _ = Self.window(number, &admission, [(Self.flooder, 10)], wait: .zero) }
        #expect(!admission.isOverloaded)
    }

    @Test("Who is kept out for what he has done keeps no limit alive, and lets none grow for ever")
    func sanctionsAreNoLoad() {
        var admission = Admission(seed: 3)
        admission.sanctions = [Self.flooder: .limited, Self.neighbour(1): .banned]
        for number in 0..<10 {
            _ = Self.window(number, &admission, [(Self.neighbour(2), 900)], wait: Admission.longWait)
        }
        #expect(admission.isOverloaded)
        for number in 10..<900 {
            let results = Self.window(
                number, &admission, [(Self.flooder, 5), (Self.neighbour(1), 5), (Self.neighbour(2), 5)], wait: .zero)
            #expect(results[0] == [.served: 1, .dropped: 4] && results[1] == [.dropped: 5])
        }
        #expect(!admission.isOverloaded)
        // Nor does who always wants more than there is.
        for number in 900..<910 {
            _ = Self.window(number, &admission, [(Self.neighbour(2), 900)], wait: Admission.longWait)
        }
        for number in 910..<1500 {
            _ = Self.window(number, &admission, [(Self.neighbour(2), 2_000)], wait: .zero)
        }
        #expect(admission.budget <= Admission.mostBudget)
    }

    // MARK: What peers see

    /// Lets a server have no budget left for what comes from an address; what finds that out is refused, too.
    private func exhaust(_ server: SimulatedServer, _ address: String) throws {
        let source = try #require(IPAddress(address))
        for _ in 0..<Admission.fullWindows { server.admission.endWindow(at: .start, wait: Admission.longWait) }
        while server.admission.begins(from: source, at: Self.moment(ofWindow: 100)) {}
    }

    @Test("New calls get 503 with Retry-After; the running call goes on, and ends")
    func refusesNewCalls() throws {
        let stage = Stage()
        let server = stage.server()
        let (alice, bob) = (try stage.alice(), try stage.bob())
        try bob.isRegistered()
        try alice.invites()
        try bob.expects(.invite)
        try bob.sends(200)
        try alice.expects(200)
        try alice.sends(.ack)
        try bob.expects(.ack)
        try self.exhaust(server, "192.0.2.101")

        try alice.sends(.info)
        try bob.expects(.info)
        try bob.sends(200)
        try alice.expects(200)
        let other = try stage.peer("other", at: "192.0.2.102", "sip:other@atlanta.example.com")
        try self.exhaust(server, "192.0.2.102")
        try other.invites()
        let refusal = try other.expects(503)
        #expect(refusal.reasonPhrase == "Server Is Overloaded")
        let pause = try #require(refusal.values(named: "Retry-After").first.flatMap { Int($0) })
        #expect((1...4).contains(pause))
        try alice.sends(.bye)
        try bob.expects(.bye)
        try bob.sends(200)
        try alice.expects(200)
        #expect(server.admission.refused == 3)
        try stage.world.end()
    }

    @Test("A device that shows credentials registers again; one that is new waits")
    func refreshesFirst() throws {
        let stage = Stage()
        let server = stage.server("proxy", at: Place.proxy, [Place.domain]) { $0.requires([.bob]) }
        let bob = try stage.bob()
        try bob.registers()
        let challenge = try bob.expects(401)
        try self.exhaust(server, "192.0.2.201")
        let answer = try #require(Account.bob.answer(challenge, .register, "sip:\(Place.domain)"))
        try bob.registersAgain { $0.add(named: "Authorization", answer) }
        try bob.expects(200)
        let other = try stage.bob("other", at: "192.0.2.202")
        try self.exhaust(server, "192.0.2.202")
        try other.registers()
        try other.expects(503)
        try stage.world.end()
    }
}
