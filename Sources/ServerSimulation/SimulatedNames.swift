import SIPMessages
import SIPRouting
import SIPSimulation

extension SIPSimulation.DNSRecord.Kind {
    /// What a server asks for.
    init(_ type: DNSQuestion.RecordType) {
        switch type {
        case .a: self = .a
        case .aaaa: self = .aaaa
        case .srv: self = .srv
        case .naptr: self = .naptr
        }
    }
}

extension DNSAnswer {
    /// What the DNS of the world says; an answer that is none to this question counts as a failure.
    init(_ outcome: ServiceAnswer.Outcome) {
        switch outcome {
        case .records(let found):
            let records = found.compactMap { SIPRouting.DNSRecord($0.data) }
            let shortest = found.map(\.timeToLive).min() ?? .zero
            let seconds = UInt32(clamping: shortest.nanoseconds / 1_000_000_000)
            self = records.isEmpty ? .noRecords(seconds: 0) : .records(records, seconds: seconds)
        case .nameError: self = .noRecords(seconds: 0)
        case .found, .committed, .decided, .failed: self = .failed
        }
    }
}

extension SIPRouting.DNSRecord {
    /// A record of the world; `nil` where a name in it is none.
    init?(_ data: SIPSimulation.DNSRecord.Data) {
        switch data {
        case .address(let address): self = .address(address)
        case .srv(let priority, let weight, let port, let target):
            guard let target = DomainName(target) else { return nil }
            self = .srv(SRVRecord(priority: priority, weight: weight, port: port, target: target))
        case .naptr(let order, let preference, let flags, let service, let replacement):
            guard let replacement = DomainName(replacement) else { return nil }
            self = .naptr(
                NAPTRRecord(
                    order: order, preference: preference, flags: flags, services: service, replacement: replacement))
        }
    }
}
