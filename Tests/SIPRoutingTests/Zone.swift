import SIPMessages

@testable import SIPRouting

/// The records of a test, and a selection that is answered from them.
struct Zone {
    var answers: [DNSQuestion: DNSAnswer] = [:]

    /// Records as a zone file has them: `A host 192.0.2.1`, `SRV name priority weight port target`,
    /// `NAPTR name order preference flags service replacement`. What is not there does not exist.
    init(_ text: String = "", seconds: UInt32 = 300) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ").map { $0 == "\"\"" ? "" : String($0) }
            guard parts.count > 2, let name = DomainName(parts[1]) else { continue }
            func number(_ i: Int) -> UInt16 { UInt16(parts[i]) ?? 0 }
            func target(_ i: Int) -> DomainName { DomainName(parts[i]) ?? .root }
            switch parts[0] {
            case "A": self.add(.address(IPAddress(parts[2]) ?? .loopback), DNSQuestion(.a, name), seconds)
            case "AAAA": self.add(.address(IPAddress(parts[2]) ?? .loopback), DNSQuestion(.aaaa, name), seconds)
            case "SRV":
                let record = SRVRecord(priority: number(2), weight: number(3), port: number(4), target: target(5))
                self.add(.srv(record), DNSQuestion(.srv, name), seconds)
            case "NAPTR":
                let record = NAPTRRecord(
                    order: number(2), preference: number(3), flags: parts[4], services: parts[5],
                    replacement: target(6))
                self.add(.naptr(record), DNSQuestion(.naptr, name), seconds)
            default: break
            }
        }
    }

    private mutating func add(_ record: DNSRecord, _ question: DNSQuestion, _ seconds: UInt32) {
        guard case .records(let records, _)? = self.answers[question] else {
            self.answers[question] = .records([record], seconds: seconds)
            return
        }
        self.answers[question] = .records(records + [record], seconds: seconds)
    }

    subscript(question: DNSQuestion) -> DNSAnswer { self.answers[question] ?? .noRecords(seconds: 60) }
}

/// A selection with its memory, answered from a zone at once.
struct Run {
    var zone: Zone
    var memory: RoutingMemory
    var selection: ServerSelection
    var actions: [ServerSelection.Action] = []
    /// The questions that were asked, as text, and the warnings.
    var asked: [String] = []
    var now: MonotonicInstant

    static let everything: [TransportProtocol] = [.udp, .tcp, .tls]

    init(
        _ uri: String, _ zone: Zone, over transports: [TransportProtocol] = Run.everything, hasIPv6: Bool = false,
        isLarge: Bool = false, seed: UInt64 = 1, limits: ServerSelection.Limits = .init(),
        memory: RoutingMemory = RoutingMemory(), at now: MonotonicInstant = .start
    ) throws {
        try self.init(
            NextHop(SIPURI(uri), isLarge: isLarge), zone,
            RoutingCapabilities(transports, hasIPv6: hasIPv6), seed: seed, limits: limits, memory: memory, at: now)
    }

    init(
        _ hop: NextHop, _ zone: Zone, _ capabilities: RoutingCapabilities, seed: UInt64 = 1,
        limits: ServerSelection.Limits = .init(), memory: RoutingMemory = RoutingMemory(),
        at now: MonotonicInstant = .start
    ) {
        self.zone = zone
        self.memory = memory
        self.now = now
        self.selection = ServerSelection(
            hop, capabilities: capabilities, seed: seed, limits: limits, at: now, memory: &self.memory,
            into: &self.actions)
    }

    /// Answers what has been asked, until nothing more is.
    mutating func answer() {
        while !self.actions.isEmpty {
            switch self.actions.removeFirst() {
            case .query(let id, let question):
                self.asked.append(question.description)
                let answer = self.zone[question]
                self.selection.handle(answer, to: id, at: self.now, memory: &self.memory, into: &self.actions)
            case .warnTLSWithdrawn(let domain):
                self.asked.append("TLS withdrawn at \(domain)")
            }
        }
    }

    mutating func next() -> ServerSelection.Outcome {
        while true {
            let outcome = self.selection.next(at: self.now, memory: &self.memory, into: &self.actions)
            guard outcome == .waiting, !self.actions.isEmpty else {
                self.answer()
                return outcome
            }
            self.answer()
        }
    }

    /// The next target as `udp:192.0.2.1:5060`; what else came as its description.
    mutating func target() -> String {
        switch self.next() {
        case .target(let server): "\(server.transport):\(server.address)"
        case .waiting: "waiting"
        case .exhausted(.refusing(let until)): "refusing until \(until.nanoseconds / 1_000_000_000) s"
        case .exhausted(let reason): "\(reason)"
        }
    }

    /// All targets, and why there are no more.
    mutating func targets() -> [String] {
        var targets: [String] = []
        for _ in 0..<100 {
            let outcome = self.target()
            targets.append(outcome)
            if !outcome.contains(":") { break }
        }
        return targets
    }
}
