import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of RTP and RTCP")
struct RTPReplayTests {
    static let inputs = FuzzInputs.of("RTP")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 4) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzRTP(octets)
        #expect(octets.count <= 65_535)
    }
}
