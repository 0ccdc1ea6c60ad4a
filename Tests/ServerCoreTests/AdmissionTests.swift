import SIPMessages
import SIPSimulation
import ServerSimulation
import Testing

@testable import ServerCore

@Suite("More comes than can be done (RFC 3261 §21.5.4)")
struct AdmissionTests {
    private static let flooder = IPAddress(v4: 0x0A00_0001)

    private static func neighbour(_ number: Int) -> IPAddress { IPAddress(v4: 0xC000_0200 + UInt32(number)) }

    /// One window in which sources send so many messages; what became of each source's.
    private static func window(
        _ admission: inout Admission, _ offered: [(IPAddress, Int)], busy: Double
    ) -> [[Admission.Standing: Int]] {
        let results = offered.map { source, count in
            var standings: [Admission.Standing: Int] = [:]
            for _ in 0..<count { standings[admission.note(from: source), default: 0] += 1 }
            return standings
        }
        admission.endWindow(busy: busy)
        return results
    }

    @Test("A thread that stood still for a moment is not overloaded; one that is busy for three windows is")
    func notices() {
        var admission = Admission(seed: 7)
        for busy in [1.0, 1, 0.97, 1, 1] {
            _ = Self.window(&admission, [(Self.flooder, 500)], busy: busy)
            #expect(!admission.isOverloaded)
        }
        _ = Self.window(&admission, [(Self.flooder, 500)], busy: 1)
        #expect(admission.isOverloaded)
    }

    @Test("Who sends little keeps all of it, and who floods pays", arguments: [1, 5, 60])
    func isFair(neighbours: Int) {
        var admission = Admission(seed: 7)
        let offered = [(Self.flooder, 20_000)] + (0..<neighbours).map { (Self.neighbour($0), 20) }
        // A message served costs a unit, one refused a third, one dropped a fiftieth; 5000 can be done.
        var busy = 1.0
        for window in 0..<200 {
            let results = Self.window(&admission, offered, busy: busy)
            let cost = results.reduce(0) { sum, standings in
                sum + Double(standings[.within] ?? 0) + Double(standings[.beyond] ?? 0) / 3
                    + Double(standings[.farBeyond] ?? 0) / 50
            }
            busy = min(cost / 5000, 1)
            guard window > 20 else { continue }
            for neighbour in results.dropFirst() { #expect(neighbour == [.within: 20]) }
            #expect(results[0][.within, default: 0] < 5000)
        }
        #expect(admission.dropped > 1_000_000)
    }

    @Test("The addresses of one IPv6 customer are one source")
    func countsNetworks() {
        var admission = Admission(seed: 0x9E37_79B9_7F4A_7C15)
        let customer = (0..<400).map { (IPAddress(v6: 0x2001_0DB8_0000_0001, UInt64($0)), 10) }
        let offered = customer + [(Self.neighbour(1), 10)]
        for _ in 0..<6 { _ = Self.window(&admission, offered, busy: 1) }
        let results = Self.window(&admission, offered, busy: 1)
        #expect(results.last == [.within: 10])
        #expect(results.dropLast().reduce(0) { $0 + ($1[.within] ?? 0) } < 3000)
    }

    /// A thread that can serve 1000 messages in a window, where a refusal costs a tenth of a call and a dropped message a
    /// fiftieth; calls come at a multiple of what it can do, each of one new request and five messages that follow.
    @Test("At three times the most that can be done, most of that is done", arguments: [1.2, 2, 3, 6])
    func keepsGoing(load: Double) {
        var admission = Admission(seed: 3)
        let (capacity, perCall) = (1000.0, 6)
        var (completed, windows) = (0, 0)
        for window in 0..<300 {
            var (cost, served) = (0.0, 0)
            for _ in 0..<Int(load * capacity / Double(perCall)) where cost < capacity {
                let standing = admission.note(from: Self.flooder)
                guard standing == .within else {
                    cost += standing == .beyond ? 0.6 : 0.1
                    continue
                }
                cost += 1
                // What follows in the dialog is served as long as it is not far beyond.
                let rest = (1..<perCall).map { _ in admission.note(from: Self.flooder) }
                cost += Double(rest.filter { $0 != .farBeyond }.count)
                if !rest.contains(.farBeyond) { served += 1 }
            }
            admission.endWindow(busy: min(cost / capacity, 1))
            guard window >= 50 else { continue }
            windows += 1
            completed += served
        }
        let most = capacity / Double(perCall)
        let goodput = Double(completed) / Double(windows) / most
        // What the refusals themselves cost is lost for calls.
        let best = min((1 - 0.1 * load) / 0.9, 1)
        #expect(goodput >= 0.85 * best, "\(goodput)")
    }

    @Test("When the load is gone, so is the limit")
    func recovers() {
        var admission = Admission(seed: 3)
        for _ in 0..<10 { _ = Self.window(&admission, [(Self.flooder, 900)], busy: 1) }
        #expect(admission.isOverloaded)
        for _ in 0..<100 { _ = Self.window(&admission, [(Self.flooder, 10)], busy: 0.1) }
        #expect(!admission.isOverloaded)
    }

    // MARK: What peers see

    /// Lets a server have no budget left for what comes from an address.
    private func exhaust(_ server: SimulatedServer, _ address: String) throws {
        let source = try #require(IPAddress(address))
        for _ in 0..<Admission.fullWindows { server.admission.endWindow(busy: 1) }
        while server.admission.note(from: source) == .within {}
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
        #expect(server.admission.refused == 1)
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
