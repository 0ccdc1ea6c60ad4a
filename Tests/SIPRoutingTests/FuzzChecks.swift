// What must hold for any octets that a DNS server sends. The fuzz target and the test that replays its inputs call the
// same function.

import SIPMessages

@testable import SIPRouting

#if canImport(DNSTestServer)
    import DNSTestServer
#endif

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// The first octet says which type of record is asked for, of the name `biloxi.example`; the rest is the reply.
func fuzzDNSReply(_ octets: [UInt8]) {
    guard let first = octets.first, let name = DomainName("biloxi.example") else { return }
    let types: [DNSQuestion.RecordType] = [.a, .aaaa, .srv, .naptr]
    let question = DNSQuestion(types[Int(first & 3)], name)
    let reply = Array(octets.dropFirst())
    guard case .records(let records, let seconds) = try? DNSReply.parse(reply.span, answering: question) else { return }
    require(!records.isEmpty && records.count <= DNSReply.maximumRecords, "an answer has records, and not too many")
    for record in records { require(record.isWhole(of: question.type), "a record is of the type asked for, and whole") }
    guard records.allSatisfy(\.canBeWritten) else { return }
    var writer = DNSReplyWriter(id: 1, question: question, answers: records.count)
    for record in records { writer.record(name, seconds: seconds, record) }
    let again = try? DNSReply.parse(writer.octets.span, answering: question)
    require(again == .records(records, seconds: seconds), "what is written reads back equal")
}

extension DNSRecord {
    fileprivate func isWhole(of type: DNSQuestion.RecordType) -> Bool {
        switch self {
        case .address(let address): type == (address.isIPv6 ? .aaaa : .a)
        case .srv(let record): type == .srv && DomainName(record.target.description) == record.target
        case .naptr(let record): type == .naptr && DomainName(record.replacement.description) == record.replacement
        }
    }

    /// Whether its texts fit into a `<character-string>`; one that was not UTF-8 has grown.
    fileprivate var canBeWritten: Bool {
        guard case .naptr(let record) = self else { return true }
        return [record.flags, record.services, record.regularExpression].allSatisfy { $0.utf8.count <= 255 }
    }
}
