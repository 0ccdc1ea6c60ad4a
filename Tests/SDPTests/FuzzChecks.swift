// What must hold for any octets. The fuzz target and the test that replays its inputs call the same function.

import SIPMessages

@testable import SDP

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// A description that can be read is written so that it reads back equal, and its media can be asked for.
func fuzzSDP(_ octets: [UInt8]) {
    guard let description = try? SessionDescription(octets) else { return }
    guard let again = try? SessionDescription(description.octets) else {
        return require(false, "what is written can be read")
    }
    require(again.octets == description.octets, "what is written is written the same again")
    require(again.media.count == description.media.count, "no medium is lost")
    for medium in description.media {
        _ = description.connection(of: medium)
        _ = description.direction(of: medium)
        _ = description.destination(of: medium)
    }
    _ = description.violations
}
