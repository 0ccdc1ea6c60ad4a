import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of DNS replies")
struct DNSReplayTests {
    static let inputs = FuzzInputs.of("DNSReply")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 6) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzDNSReply(octets)
        #expect(octets.count <= 65_535)
    }
}
