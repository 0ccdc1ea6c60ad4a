public import SIPMessages
public import ServerCore
import Synchronization

/// Who is kept out: one ledger for all threads, of which each has a copy of the sanctions. They are looked up for every
/// message and change seldom.
final class SourceGuard: Sendable {
    private let ledger: Mutex<OffenceLedger>
    /// Counts the changes of the sanctions.
    private let version = Atomic<UInt64>(0)

    init(policy: OffenceLedger.Policy) { self.ledger = Mutex(OffenceLedger(policy: policy)) }

    /// Takes a new policy. Sanctions go on.
    func apply(_ policy: OffenceLedger.Policy) { self.ledger.withLock { $0.policy = policy } }

    /// Notes an offence.
    ///
    /// - Parameter isProven: Whether whoever sent it is where he says.
    /// - Returns: the sanction that it leads to; `nil` where there is none yet, or was one already.
    func note(
        _ offence: Offence, from source: IPAddress, isProven: Bool, at now: MonotonicInstant
    ) -> SanctionedSource? {
        let new = self.ledger.withLock { $0.note(offence, from: source, isProven: isProven, at: now) }
        if new != nil { self.changed() }
        return new
    }

    /// Ends a sanction; returns whether there was one.
    func lift(_ source: IPAddress) -> Bool {
        let wasThere = self.ledger.withLock { $0.lift(source) }
        if wasThere { self.changed() }
        return wasThere
    }

    /// Ends the sanctions whose time is over.
    func expire(at now: MonotonicInstant) {
        guard self.version.load(ordering: .relaxed) > 0 else { return }
        if self.ledger.withLock({ $0.expire(at: now) }) { self.changed() }
    }

    /// The sources under a sanction.
    var sources: [SanctionedSource] { self.ledger.withLock { $0.sources } }

    /// Whether connections of a source are refused.
    func isBanned(_ source: IPAddress) -> Bool {
        guard self.version.load(ordering: .relaxed) > 0 else { return false }
        return self.ledger.withLock { $0.isBanned(source) }
    }

    /// Gives a thread the sanctions, where they have changed.
    func update(_ worker: inout Worker) {
        let version = self.version.load(ordering: .relaxed)
        guard version != worker.sanctionVersion else { return }
        worker.sanctionVersion = version
        let sources = self.sources
        worker.workspace.admission.sanctions = Dictionary(
            uniqueKeysWithValues: sources.map { ($0.source, $0.sanction) })
    }

    private func changed() { self.version.add(1, ordering: .relaxed) }
}

/// Sources under a sanction, for those who look and for those who decide otherwise.
extension SignallingServer {
    /// The sources under a sanction, and for how long still.
    public var sanctionedSources: [(source: SanctionedSource, rest: TimeSpan)] {
        let now = SystemClock.now()
        return self.sourceGuard.sources.map { ($0, Swift.max($0.end.since(now), .zero)) }
    }

    /// Ends the sanction of a source.
    ///
    /// - Returns: whether there was one.
    public func liftSanction(of source: IPAddress) -> Bool { self.sourceGuard.lift(source) }

    /// Draws the consequences of an offence of whoever sent the message at hand. A gateway that is configured is let be.
    func punish(_ offence: Offence, over flow: Flow, _ worker: inout Worker) {
        let isProven = flow.transport.isReliable || worker.workspace.provesAddress
        guard !worker.reception.settings.isTrunk(flow.remote.ip),
            let sanction = self.sourceGuard.note(
                offence, from: flow.remote.ip, isProven: isProven, at: worker.workspace.now)
        else { return }
        self.streams.reporter.report(.sanctioned(sanction, for: worker.reception.settings.offences.duration))
    }
}
