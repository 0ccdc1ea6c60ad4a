import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of nonces and digests")
struct NonceReplayTests {
    static let inputs = FuzzInputs.of("Nonce")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 3) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzNonce(octets)
        #expect(octets.count <= 65_535)
    }
}
