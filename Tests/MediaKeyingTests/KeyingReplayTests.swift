import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of keys")
struct KeyingReplayTests {
    static let inputs = FuzzInputs.of("Keying")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 3) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzKeying(octets)
        #expect(octets.count <= 65_535)
    }
}
