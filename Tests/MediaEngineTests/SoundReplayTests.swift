import FuzzInputs
import Testing

@Suite("Inputs of the fuzz target of sound")
struct SoundReplayTests {
    static let inputs = FuzzInputs.of("Sound")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 2) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzSound(octets)
        #expect(octets.count <= 65_535)
    }
}
