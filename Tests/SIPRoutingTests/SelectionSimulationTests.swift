import SIPMessages
import Testing

@testable import SIPRouting

/// Zones made from a seed, and answers that come late, in any order, twice, with wrong ids, or never.
@Suite("However answers come, a selection keeps its promises (RFC 3263)")
struct SelectionSimulationTests {
    /// A zone of rules, services and addresses that lead to each other, to nothing, and in circles.
    private static func zone(seed: UInt64) -> Zone {
        var numbers = SeededNumbers(seed: seed)
        func pick(_ choices: [String]) -> String { choices[Int(numbers.next(upTo: UInt64(choices.count - 1)))] }
        let services = ["SIP+D2U", "SIP+D2T", "SIPS+D2T", "SIPS+D2U", "SIP+D2S", "E2U+sip"]
        let names = ["_sip._udp", "_sip._tcp", "_sips._tcp"].map { $0 + ".example.com" }
        let hosts = ["a", "b", "c", "gone"].map { $0 + ".example.com" }
        var lines: [String] = []
        for _ in 0..<numbers.next(upTo: 5) {
            let (order, preference) = (numbers.next(upTo: 2), numbers.next(upTo: 2))
            let (flags, next) = (pick(["s", "S", "\"\"", "u"]), pick(names + ["example.com"]))
            lines.append("NAPTR example.com \(order) \(preference) \(flags) \(pick(services)) \(next)")
        }
        for _ in 0..<numbers.next(upTo: 8) {
            let (priority, weight) = (numbers.next(upTo: 2), numbers.next(upTo: 3) * 10)
            let port = 5060 + numbers.next(upTo: 3)
            lines.append("SRV \(pick(names)) \(priority) \(weight) \(port) \(pick(hosts + ["."]))")
        }
        for _ in 0..<numbers.next(upTo: 9) {
            let host = pick(hosts.dropLast() + ["example.com"])
            let last = numbers.next(upTo: 9)
            lines.append(numbers.next(upTo: 1) == 0 ? "A \(host) 192.0.2.\(last)" : "AAAA \(host) 2001:db8::\(last)")
        }
        var zone = Zone(lines.joined(separator: "\n"))
        let questions = zone.answers.keys.sorted { $0.description < $1.description }
        for question in questions where numbers.next(upTo: 9) == 0 {
            zone.answers[question] = numbers.next(upTo: 1) == 0 ? .failed : .timedOut
        }
        return zone
    }

    /// The targets of one selection whose answers come in an order that `disorder` decides.
    private static func targets(_ uri: SIPURI, _ zone: Zone, seed: UInt64, disorder: UInt64) -> [ServerAddress] {
        var numbers = SeededNumbers(seed: disorder)
        var memory = RoutingMemory()
        var actions: [ServerSelection.Action] = []
        var selection = ServerSelection(
            NextHop(uri), capabilities: RoutingCapabilities([.udp, .tcp, .tls], hasIPv6: true), seed: seed, at: .start,
            memory: &memory, into: &actions)
        var targets: [ServerAddress] = []
        var (open, done): ([(UInt32, DNSQuestion)], [UInt32]) = ([], [])
        var questions: Set<DNSQuestion> = []
        for _ in 0..<1000 {
            let outcome = selection.next(at: .start, memory: &memory, into: &actions)
            for case .query(let id, let question) in actions {
                #expect(questions.insert(question).inserted, "\(question) was asked twice")
                open.append((id, question))
            }
            actions = []
            switch outcome {
            case .target(let server): targets.append(server)
            case .exhausted: return targets
            case .waiting:
                guard !open.isEmpty else {
                    Issue.record("waits for nothing")
                    return targets
                }
                let forged = DNSAnswer.records(.address(IPAddress(v4: 0xCB00_7142)), seconds: 60)
                if numbers.next(upTo: 1) == 0 { self.answer(&selection, forged, to: 1000, &memory, &actions) }
                if let id = done.last { self.answer(&selection, forged, to: id, &memory, &actions) }
                let (id, question) = open.remove(at: Int(numbers.next(upTo: UInt64(open.count - 1))))
                done.append(id)
                self.answer(&selection, zone[question], to: id, &memory, &actions)
            }
        }
        Issue.record("never ends")
        return targets
    }

    private static func answer(
        _ selection: inout ServerSelection, _ answer: DNSAnswer, to id: UInt32, _ memory: inout RoutingMemory,
        _ actions: inout [ServerSelection.Action]
    ) {
        selection.handle(answer, to: id, at: .start, memory: &memory, into: &actions)
    }

    @Test(
        "The same seed gives the same targets in any order of answers; none comes twice or from a stray answer",
        arguments: 0..<256)
    func promises(seed: Int) throws {
        let zone = Self.zone(seed: UInt64(seed))
        for text in ["sip:example.com", "sips:example.com", "sip:example.com;transport=tcp", "sip:example.com:5080"] {
            let uri = try SIPURI(text)
            let targets = Self.targets(uri, zone, seed: UInt64(seed), disorder: 1)
            #expect(targets == Self.targets(uri, zone, seed: UInt64(seed), disorder: 2))
            #expect(Set(targets.map { "\($0.transport) \($0.address)" }).count == targets.count)
            #expect(targets.allSatisfy { !uri.isSecure || $0.transport == .tls })
            #expect(targets.allSatisfy { $0.identity == "example.com" })
            #expect(!targets.contains { $0.address.description.hasPrefix("203.0.113") })
            #expect(targets.count <= ServerSelection.Limits().targets)
        }
    }
}
