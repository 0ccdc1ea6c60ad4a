import FuzzInputs
import SIPMessages
import Testing

@Suite("Inputs of the fuzz target of the location service")
struct BindingReplayTests {
    static let inputs =
        FuzzInputs.of("StoredBinding") + FuzzInputs.files(in: "Tests/SIPMessagesTests/Torture/rfc4475")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count > 50) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzStoredBinding(octets)
        #expect(octets.count <= 65_535)
    }
}
