import SIPMessages

/// DNS, storage and those who decide, with the faults of each.
///
/// A commit is carried out when it is asked for, also when its answer is lost or comes twice; one that is answered
/// `failed` is carried out half of the time, since a node that was told so knows nothing.
public struct SimulatedServices {
    /// The DNS.
    public var dns = SimulatedDNS()
    /// What is stored, over every crash of a host.
    public private(set) var stored: [String: [UInt8]] = [:]
    /// Who decides; without one every decision is `yes`.
    public var decision: (String) -> String = { _ in "yes" }
    /// The faults of the DNS.
    public var dnsFaults = ServiceFaults()
    /// The faults of the storage.
    public var storageFaults = ServiceFaults()
    /// The faults of those who decide.
    public var decisionFaults = ServiceFaults()

    /// One answer that is due.
    struct Due {
        var answer: ServiceAnswer
        var after: TimeSpan
    }

    private let seed: UInt64
    private var count: UInt64 = 0

    init(seed: UInt64) { self.seed = seed }

    /// What comes of a question: no, one or two answers.
    mutating func ask(_ question: ServiceQuestion) -> [Due] {
        self.count += 1
        var random = SimulationRandom(seed: self.seed, purpose: "service", number: self.count)
        let faults = self.faults(question.subject)
        let outcome: ServiceAnswer.Outcome
        if random.chance(faults.failure) {
            if random.chance(0.5) { _ = self.carryOut(question.subject) }
            outcome = .failed
        } else if random.chance(faults.wrong) {
            outcome = self.wrongOutcome(question.subject)
        } else {
            outcome = self.carryOut(question.subject)
        }
        let delay = faults.delay + random.span(upTo: faults.jitter)
        if random.chance(faults.never) { return [] }
        var due = [Due(answer: ServiceAnswer(id: question.id, outcome), after: delay)]
        if random.chance(faults.twice) {
            let later = delay + random.span(upTo: .seconds(1))
            due.append(Due(answer: ServiceAnswer(id: question.id, outcome), after: later))
        }
        return due
    }

    private func faults(_ subject: ServiceQuestion.Subject) -> ServiceFaults {
        switch subject {
        case .resolve: self.dnsFaults
        case .lookUp, .commit: self.storageFaults
        case .decide: self.decisionFaults
        }
    }

    private mutating func carryOut(_ subject: ServiceQuestion.Subject) -> ServiceAnswer.Outcome {
        switch subject {
        case .resolve(let name, let kind): return self.dns.answer(name, kind)
        case .lookUp(let key): return .found(self.stored[key])
        case .commit(let key, let octets):
            self.stored[key] = octets
            return .committed
        case .decide(let text): return .decided(self.decision(text))
        }
    }

    /// Well-formed and untrue. A commit is never answered so: a store that says `committed` and lies is no store.
    private func wrongOutcome(_ subject: ServiceQuestion.Subject) -> ServiceAnswer.Outcome {
        switch subject {
        case .resolve: .records([])
        case .lookUp: .found(nil)
        case .commit: .failed
        case .decide: .decided("")
        }
    }
}
