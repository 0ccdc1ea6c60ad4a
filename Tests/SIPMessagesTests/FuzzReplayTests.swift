import FuzzInputs
import Testing

@testable import SIPMessages

@Suite("Inputs of the fuzz targets")
struct FuzzReplayTests {
    static let inputs = FuzzInputs.of(
        "Fields", "URI", "Framer", "Multipart", "Fragment", "Credentials", "Address", "STUN", "Certificate")

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 22) }

    @Test("Each input that ever broke a rule keeps every rule of every target", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzIndex(octets)
        fuzzFields(octets)
        fuzzURI(octets)
        fuzzFramer(octets)
        fuzzMultipart(octets)
        fuzzFragment(octets)
        fuzzCredentials(octets)
        fuzzAddress(octets)
        fuzzSTUN(octets)
        fuzzCertificate(octets)
        #expect(octets.count <= 65_535)
    }
}
