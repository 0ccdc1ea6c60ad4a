import Foundation
import SIPSimulation
import Testing

@Suite("Calls of user agents through two proxies over a network that fails (RFC 3261 §13, §16, §17; RFC 4028)")
struct FaultyNetworkTests {
    /// Seeds come in blocks, of which each is a case: a hundred thousand cases would be more work than their calls.
    private static let block = 50

    /// How many seeds there are: 300, or as many as BILOXI_SEEDS says (`make seeds`).
    private static let count = ProcessInfo.processInfo.environment["BILOXI_SEEDS"].flatMap { Int($0) } ?? 300

    @Test(
        """
        No transaction, dialog or session is left, each 2xx is acknowledged and then kept or released, the caller's wait is \
        bounded, and one whose other side has vanished learns it within the session interval
        """, arguments: 0..<(count + block - 1) / block)
    func call(block: Int) throws {
        for seed in block * Self.block..<Swift.min(Self.count, (block + 1) * Self.block) {
            let trapezoid = try FaultyTrapezoid(seed: UInt64(seed))
            let breach = try trapezoid.breach()
            #expect(breach == nil, "seed \(seed): \(breach ?? "")\n\(trapezoid.world.ladder)")
            #expect(throws: Never.self, "seed \(seed)\n\(trapezoid.world.ladder)") { try trapezoid.world.verify() }
        }
    }
}
