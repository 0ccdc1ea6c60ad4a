import Foundation
import Testing

@Suite("Inputs of the fuzz target of nonces and digests")
struct NonceReplayTests {
    private static let fuzz = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")

    /// What the target starts from, and what once broke a rule.
    static let inputs: [[UInt8]] = ["seeds/Nonce", "crashers"].flatMap { folder in
        let url = fuzz.appendingPathComponent(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().compactMap { try? Array(Data(contentsOf: url.appendingPathComponent($0))) }
    }

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 3) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzNonce(octets)
        #expect(octets.count <= 65_535)
    }
}
