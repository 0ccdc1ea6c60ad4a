import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of session descriptions")
struct SDPReplayTests {
    static let inputs = FuzzInputs.of("SDP")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 4) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzSDP(octets)
        #expect(octets.count <= 65_535)
    }
}
