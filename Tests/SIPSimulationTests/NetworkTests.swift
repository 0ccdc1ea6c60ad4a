import SIPMessages
import SIPSimulation
import SIPTransactions
import Testing

@Suite("The simulated network")
struct NetworkTests {
    static let a = SocketAddress(IPAddress(v4: 0xC000_0201), 5060)
    static let b = SocketAddress(IPAddress(v4: 0xC000_0202), 5060)

    static func pair(_ conditions: LinkConditions = .perfect, seed: UInt64 = 1) -> (SimulatedWorld, Puppet, Puppet) {
        let world = SimulatedWorld(seed: seed, conditions: conditions)
        return (world, world.puppet("a", 1), world.puppet("b", 2))
    }

    static func time(_ milliseconds: Int64) -> MonotonicInstant { .start.advanced(by: .milliseconds(milliseconds)) }

    @Test("A datagram arrives after the delay, with the sender's address and the end point's number")
    func delay() {
        let (world, _, b) = Self.pair(.delaying(.milliseconds(30)))
        world.send("x", from: "a", to: Self.b)
        world.run(until: Self.time(29))
        #expect(b.received == [])
        world.run(until: Self.time(30))
        #expect(b.received == ["x"])
        #expect(b.flows == [Flow(endpoint: 0, transport: .udp, remote: Self.a)])
    }

    @Test("Of many datagrams about the given share is lost, and doubled", arguments: 0..<10)
    func shares(seed: UInt64) {
        var conditions = LinkConditions.losing(0.3)
        conditions.duplication = 0.5
        let (world, _, b) = Self.pair(conditions, seed: seed)
        for number in 0..<1000 { world.send("\(number)", from: "a", to: Self.b) }
        world.runToEnd()
        #expect((650...750).contains(Set(b.received).count))
        let doubled = b.received.count - Set(b.received).count
        #expect((300...400).contains(doubled))
    }

    @Test("Jitter keeps the order, reordering does not")
    func order() {
        var conditions = LinkConditions()
        conditions.jitter = .milliseconds(100)
        for isReordering in [false, true] {
            conditions.reordering = isReordering ? 0.3 : 0
            let (world, _, b) = Self.pair(conditions)
            for number in 0..<100 {
                world.at(Self.time(Int64(number))) { [unowned world] in world.send("\(number)", from: "a", to: Self.b) }
            }
            world.runToEnd()
            #expect(b.received.count == 100)
            #expect((b.received == (0..<100).map { "\($0)" }) == !isReordering)
        }
    }

    @Test("A datagram beyond the link's limit is lost; one at it is not, and a stream takes both")
    func limit() {
        var conditions = LinkConditions()
        conditions.maximumDatagram = 1300
        let (world, _, b) = Self.pair(conditions)
        for count in [1300, 1301] { world.send(String(repeating: "x", count: count), from: "a", to: Self.b) }
        world.send(String(repeating: "x", count: 1301), from: "a", to: Self.b, endpoint: 1)
        world.runToEnd()
        #expect(b.received.map(\.utf8.count) == [1300, 1301])
        #expect(b.flows.map(\.transport) == [.udp, .tcp])
        #expect(world.ladder.lines.map(\.fate)[1] == .tooLarge)
    }

    @Test("A partition cuts off who is in it from who is not, in its time")
    func partition() {
        let (world, _, b) = Self.pair()
        world.partition(["a"], from: Self.time(100), until: Self.time(200))
        for at: Int64 in [99, 100, 199, 200] {
            world.at(Self.time(at)) { [unowned world] in world.send("\(at)", from: "a", to: Self.b) }
        }
        world.runToEnd()
        #expect(b.received == ["99", "200"])
    }

    @Test("A stream waits for the end of a short partition and fails in a long one")
    func partitionOfStreams() {
        let (world, a, b) = Self.pair()
        world.send("1", from: "a", to: Self.b, endpoint: 1)
        world.run(for: .seconds(1))
        world.partition(["a"], from: Self.time(1000), until: Self.time(5000))
        world.send("2", from: "a", to: Self.b, endpoint: 1)
        world.run(until: Self.time(4999))
        #expect(b.received == ["1"])
        world.run(until: Self.time(5000))
        #expect(b.received == ["1", "2"])
        world.partition(["a"], from: Self.time(6000))
        world.run(until: Self.time(6000))
        world.send("3", from: "a", to: Self.b, endpoint: 1)
        world.run(for: .seconds(30))
        #expect(b.received == ["1", "2"] && a.failures == 1 && a.closed == 1)
    }

    @Test(
        "What no one listens for fails at the sender, over UDP only where the network says so",
        arguments: [true, false])
    func unreachable(isReported: Bool) {
        let (world, a, _) = Self.pair()
        world.network.reportsUnreachable = isReported
        let nowhere = SocketAddress(IPAddress(v4: 0xC000_0209), 5060)
        world.send("x", from: "a", to: nowhere)
        world.send("y", from: "a", to: nowhere, endpoint: 1)
        world.runToEnd()
        #expect(a.failures == (isReported ? 2 : 1))
        #expect(world.ladder.lines.map(\.fate) == [.unreachable, .unreachable])
    }

    @Test("A connection is used again by both sides, keeps order, and ends with notice")
    func connections() {
        var conditions = LinkConditions.losing(0.5)
        conditions.jitter = .milliseconds(50)
        let (world, a, b) = Self.pair(conditions)
        for number in 0..<50 { world.send("\(number)", from: "a", to: Self.b, endpoint: 1) }
        world.runToEnd()
        #expect(b.received == (0..<50).map { "\($0)" })
        #expect(Set(b.flows).count == 1)
        let back = b.flows[0]
        #expect(back.connection != 0 && back.remote.ip == Self.a.ip && back.remote.port != Self.a.port)
        world.send("back", from: "b", to: back.remote, endpoint: 1, connection: back.connection)
        world.runToEnd()
        #expect(a.received == ["back"])
        world.resetConnections(between: "a", and: "b")
        world.runToEnd()
        #expect(a.closed == 1 && b.closed == 1)
        world.send("late", from: "b", to: back.remote, endpoint: 1, connection: back.connection)
        world.runToEnd()
        #expect(a.received == ["back"] && b.failures == 1)
        world.send("new", from: "a", to: Self.b, endpoint: 1)
        world.runToEnd()
        #expect(b.flows.last?.connection != back.connection)
    }

    @Test("A connection that is silenced tells no one, until something sent over it fails")
    func halfOpen() {
        let (world, a, b) = Self.pair()
        world.send("1", from: "a", to: Self.b, endpoint: 1)
        world.run(for: .seconds(1))
        world.silenceConnections(between: "a", and: "b")
        world.run(for: .seconds(100))
        #expect(a.closed == 0 && b.closed == 0)
        world.send("2", from: "a", to: Self.b, endpoint: 1)
        world.run(for: .seconds(29))
        #expect(a.closed == 0)
        world.run(for: .seconds(1))
        #expect(a.closed == 1 && a.failures == 1 && b.closed == 0 && b.received == ["1"])
    }

    @Test("A crashed host receives nothing until it is started again, as another node")
    func crash() {
        let (world, a, b) = Self.pair()
        world.send("1", from: "a", to: Self.b, endpoint: 1)
        world.run(for: .seconds(1))
        world.crash("b")
        world.run(for: .seconds(1))
        #expect(a.closed == 1)
        world.send("2", from: "a", to: Self.b)
        world.run(for: .seconds(1))
        let second = Puppet()
        world.restart("b", running: second)
        world.send("3", from: "a", to: Self.b)
        world.runToEnd()
        #expect(b.received == ["1"] && second.received == ["3"])
    }

    // MARK: NAT

    /// Two hosts behind a box, two outside.
    static func translated(_ behaviour: AddressTranslator.Behaviour) -> (
        SimulatedWorld, inside: Puppet, b: Puppet, c: Puppet
    ) {
        let world = SimulatedWorld(seed: 1)
        let box = world.addTranslator(at: IPAddress(v4: 0xC633_6401), behaviour)
        let inside = world.puppet("inside", 1, behind: box, network: 0x0A00_0000)
        _ = world.puppet("neighbour", 2, behind: box, network: 0x0A00_0000)
        return (world, inside, world.puppet("b", 2), world.puppet("c", 3))
    }

    @Test("Behind a NAT box a host has an address outside, through which who was sent to answers")
    func translation() {
        let (world, inside, b, _) = Self.translated(.init())
        world.send("out", from: "inside", to: Self.b)
        world.run(for: .seconds(1))
        let mapped = b.flows[0].remote
        #expect(mapped.ip == IPAddress(v4: 0xC633_6401))
        world.send("in", from: "b", to: mapped)
        world.run(for: .seconds(1))
        #expect(inside.received == ["in"] && inside.flows[0].remote == Self.b)
        world.send("next door", from: "inside", to: SocketAddress(IPAddress(v4: 0x0A00_0002), 5060))
        world.run(for: .seconds(1))
        #expect(world.ladder.lines.last?.fate == .delivered(at: Self.time(2000)))
    }

    @Test(
        "Filtering decides who else gets in (RFC 4787 §5)",
        arguments: [(AddressTranslator.Dependence.nothing, true), (.address, false), (.addressAndPort, false)])
    func filtering(dependence: AddressTranslator.Dependence, getsIn: Bool) {
        var behaviour = AddressTranslator.Behaviour()
        behaviour.filtering = dependence
        let (world, inside, b, _) = Self.translated(behaviour)
        world.send("out", from: "inside", to: Self.b)
        world.run(for: .seconds(1))
        world.send("stranger", from: "c", to: b.flows[0].remote)
        world.run(for: .seconds(1))
        #expect((inside.received == ["stranger"]) == getsIn)
        #expect((world.ladder.lines.last?.fate == .filtered) == !getsIn)
    }

    @Test(
        "Mapping decides whether two destinations see one address (RFC 4787 §4.1)",
        arguments: [(AddressTranslator.Dependence.nothing, true), (.address, false), (.addressAndPort, false)])
    func mapping(dependence: AddressTranslator.Dependence, isOne: Bool) {
        var behaviour = AddressTranslator.Behaviour()
        behaviour.mapping = dependence
        let (world, _, b, c) = Self.translated(behaviour)
        world.send("out", from: "inside", to: Self.b)
        world.send("out", from: "inside", to: SocketAddress(IPAddress(v4: 0xC000_0203), 5060))
        world.run(for: .seconds(1))
        #expect((b.flows[0].remote == c.flows[0].remote) == isOne)
    }

    @Test(
        "A mapping lives for its time after the last datagram from inside, or from outside where the box says so",
        arguments: [false, true])
    func timeout(isRefreshedFromOutside: Bool) {
        var behaviour = AddressTranslator.Behaviour()
        behaviour.isRefreshedFromOutside = isRefreshedFromOutside
        let (world, inside, b, _) = Self.translated(behaviour)
        world.send("out", from: "inside", to: Self.b)
        world.run(for: .seconds(20))
        world.send("1", from: "b", to: b.flows[0].remote)
        world.run(for: .seconds(20))
        world.send("2", from: "b", to: b.flows[0].remote)
        world.run(for: .seconds(1))
        #expect(inside.received == (isRefreshedFromOutside ? ["1", "2"] : ["1"]))
    }

    @Test("Each datagram from inside keeps the mapping alive, and with it the address outside")
    func refreshed() {
        let (world, inside, b, _) = Self.translated(.init())
        for _ in 0..<3 {
            world.send("out", from: "inside", to: Self.b)
            world.run(for: .seconds(29))
        }
        world.send("in", from: "b", to: b.flows[0].remote)
        world.run(for: .seconds(1))
        #expect(Set(b.flows).count == 1)
        #expect(inside.received == ["in"])
    }

    @Test("A box that is started anew has forgotten its mappings")
    func restart() {
        let (world, inside, b, _) = Self.translated(.fullCone)
        world.send("out", from: "inside", to: Self.b)
        world.run(for: .seconds(1))
        world.restartTranslator(0)
        world.send("in", from: "b", to: b.flows[0].remote)
        world.run(for: .seconds(1))
        #expect(inside.received == [])
    }

    @Test("A stream from inside reaches outside and carries answers; none reaches inside")
    func streamsThroughTranslator() {
        let (world, inside, b, _) = Self.translated(.init())
        world.send("out", from: "inside", to: Self.b, endpoint: 1)
        world.run(for: .seconds(1))
        let back = b.flows[0]
        world.send("in", from: "b", to: back.remote, endpoint: 1, connection: back.connection)
        world.run(for: .seconds(100))
        #expect(inside.received == ["in"])
        world.send("new", from: "b", to: back.remote, endpoint: 1)
        world.send("new", from: "b", to: SocketAddress(back.remote.ip, 5060), endpoint: 1)
        world.run(for: .seconds(100))
        #expect(inside.received == ["in", "new"] && b.failures == 1)
    }

    @Test("Hosts behind one box reach each other by its address where it hairpins", arguments: [false, true])
    func hairpin(hairpins: Bool) {
        var behaviour = AddressTranslator.Behaviour.fullCone
        behaviour.hairpins = hairpins
        let (world, inside, b, _) = Self.translated(behaviour)
        world.send("out", from: "inside", to: Self.b)
        world.run(for: .seconds(1))
        world.send("hello", from: "neighbour", to: b.flows[0].remote)
        world.run(for: .seconds(1))
        #expect(inside.received == (hairpins ? ["hello"] : []))
    }
}
