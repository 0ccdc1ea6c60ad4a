import Foundation
import Testing

@testable import SIPMessages

@Suite("Inputs of the fuzz targets")
struct FuzzReplayTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")

    private static func files(in folder: String) -> [[UInt8]] {
        let url = Self.folder.appendingPathComponent(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().compactMap { (try? Data(contentsOf: url.appendingPathComponent($0))).map { Array($0) } }
    }

    /// What once broke a rule, and what each target starts from.
    static let inputs =
        Self.files(in: "crashers")
        + ["Fields", "URI", "Framer", "Multipart", "Fragment", "Credentials", "Address", "STUN", "Certificate"].flatMap
    {
        Self.files(in: "seeds/\($0)")
    }

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
