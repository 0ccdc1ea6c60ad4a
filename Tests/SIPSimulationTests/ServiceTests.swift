import SIPMessages
import Testing

@testable import SIPSimulation

@Suite("Services that answer late, twice, wrongly or never")
struct ServiceTests {
    static func answers(
        _ subjects: [ServiceQuestion.Subject], seed: UInt64 = 1, prepare: (inout SimulatedServices) -> Void = { _ in }
    ) -> (world: SimulatedWorld, answers: [ServiceAnswer]) {
        let world = SimulatedWorld(seed: seed)
        let node = world.puppet("node", 1)
        world.services.dns.add(
            "_sip._udp.example.com", .srv(priority: 10, weight: 60, port: 5060, target: "a.example.com"))
        world.services.dns.add("a.example.com", .address(IPAddress(v4: 0xC000_0201)))
        prepare(&world.services)
        node.questions = subjects.enumerated().map { ServiceQuestion(id: UInt64($0.offset), $0.element) }
        world.perform(as: "node") { _, _ in }
        world.runToEnd()
        return (world, node.answers)
    }

    @Test("DNS gives the records of the kind asked for, none of another kind, and says where there is no such name")
    func dns() {
        let answers = Self.answers([
            .resolve("_SIP._udp.Example.com.", .srv), .resolve("a.example.com", .a), .resolve("a.example.com", .aaaa),
            .resolve("b.example.com", .a),
        ]).answers
        let srv = DNSRecord(.srv(priority: 10, weight: 60, port: 5060, target: "a.example.com"))
        #expect(answers.map(\.id) == [0, 1, 2, 3])
        #expect(
            answers.map(\.outcome) == [
                .records([srv]), .records([DNSRecord(.address(IPAddress(v4: 0xC000_0201)))]), .records([]), .nameError,
            ])
    }

    @Test("What is committed is found, over a crash of the host, until it is removed")
    func storage() {
        let answers = Self.answers([
            .lookUp("bob"), .commit("bob", [1]), .lookUp("bob"), .commit("bob", nil), .lookUp("bob"),
        ]).answers
        #expect(answers.map(\.outcome) == [.found(nil), .committed, .found([1]), .committed, .found(nil)])
    }

    @Test("Each fault does what it says", arguments: 0..<20)
    func faults(seed: UInt64) {
        let question = [ServiceQuestion.Subject.resolve("a.example.com", .a)]
        func outcomes(_ set: (inout ServiceFaults) -> Void) -> [ServiceAnswer.Outcome] {
            Self.answers(question, seed: seed) { set(&$0.dnsFaults) }.answers.map(\.outcome)
        }
        let right = ServiceAnswer.Outcome.records([DNSRecord(.address(IPAddress(v4: 0xC000_0201)))])
        #expect(outcomes { $0.never = 1 } == [])
        #expect(outcomes { $0.twice = 1 } == [right, right])
        #expect(outcomes { $0.wrong = 1 } == [.records([])])
        #expect(outcomes { $0.failure = 1 } == [.failed])
        let late = Self.answers(question, seed: seed) { $0.dnsFaults.delay = .seconds(7) }
        #expect(late.answers.map(\.outcome) == [right])
        #expect(late.world.now == MonotonicInstant.start.advanced(by: .seconds(7)))
    }

    @Test("A commit that failed was carried out, or was not: both happen", arguments: [0..<40])
    func failedCommits(seeds: Range<UInt64>) {
        var carriedOut = 0
        for seed in seeds {
            let (world, answers) = Self.answers([.commit("bob", [1])], seed: seed) { $0.storageFaults.failure = 1 }
            #expect(answers.map(\.outcome) == [.failed])
            if world.services.stored["bob"] != nil { carriedOut += 1 }
        }
        #expect((5..<35).contains(carriedOut))
    }

    @Test("An answer to a host that has crashed does not reach its next life")
    func formerLife() {
        let world = SimulatedWorld(seed: 1)
        let node = world.puppet("node", 1)
        node.questions = [ServiceQuestion(id: 1, .decide("?"))]
        world.services.decisionFaults.delay = .seconds(5)
        world.perform(as: "node") { _, _ in }
        world.crash("node")
        let second = Puppet()
        world.restart("node", running: second)
        world.runToEnd()
        #expect(node.answers == [] && second.answers == [])
    }

    @Test("Events come by time, and those of one time in the order in which they were added", arguments: 0..<50)
    func queue(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        var queue = EventQueue<Int>()
        var model: [(time: Int64, number: Int)] = []
        for number in 0..<200 {
            let time = Int64(random.next() % 20)
            queue.add(number, at: MonotonicInstant(nanoseconds: time))
            model.append((time, number))
        }
        let expected = model.sorted { ($0.time, $0.number) < ($1.time, $1.number) }.map(\.number)
        var taken: [Int] = []
        while let number = queue.take() { taken.append(number) }
        #expect(taken == expected)
    }
}
