import Foundation
import SIPMessages
import Testing

@Suite("Inputs of the fuzz target of the location service")
struct BindingReplayTests {
    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What the target starts from, and what once broke a rule.
    static let inputs: [[UInt8]] = [
        "Fuzz/seeds/StoredBinding", "Fuzz/crashers", "Tests/SIPMessagesTests/Torture/rfc4475",
    ]
    .flatMap { folder in
        let url = package.appendingPathComponent(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().compactMap { try? Array(Data(contentsOf: url.appendingPathComponent($0))) }
    }

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count > 50) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzStoredBinding(octets)
        #expect(octets.count <= 65_535)
    }
}
