import Foundation
import Testing

@Suite("Inputs of the fuzz target of RTP and RTCP")
struct RTPReplayTests {
    private static let fuzz = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz")

    /// What the target starts from, and what once broke a rule.
    static let inputs: [[UInt8]] = ["seeds/RTP", "crashers"].flatMap { folder in
        let url = fuzz.appendingPathComponent(folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.sorted().compactMap { try? Array(Data(contentsOf: url.appendingPathComponent($0))) }
    }

    @Test("The inputs are there")
    func isComplete() { #expect(Self.inputs.count >= 4) }

    @Test("Each input keeps every rule", arguments: Self.inputs)
    func replay(octets: [UInt8]) {
        fuzzRTP(octets)
        #expect(octets.count <= 65_535)
    }
}
