import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of protected packets")
struct SRTPReplayTests {
    static let inputs = FuzzInputs.of("SRTP")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 3) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzSRTP(octets)
        #expect(octets.count <= 65_535)
    }
}
