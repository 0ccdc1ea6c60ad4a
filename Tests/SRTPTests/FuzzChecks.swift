// What must hold for any octets. The fuzz target and the test that replays its inputs call the same function.

import MediaKeying

@testable import SRTP

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// Octets that nobody has protected are not believed, in RTP or RTCP; what can be protected comes back as it was. The first
/// octet says which suite is used.
func fuzzSRTP(_ octets: [UInt8]) {
    guard let first = octets.first else { return }
    let suite = SRTPSuite.allCases[Int(first) % SRTPSuite.allCases.count]
    let count = suite.keyOctets + suite.saltOctets
    let identifier: [UInt8] = first & 0x80 == 0 ? [] : [0, 0, 0, 1]
    let left = SRTPMasterKey([UInt8](repeating: 1, count: count), identifier: identifier)
    let right = SRTPMasterKey([UInt8](repeating: 2, count: count), identifier: identifier)
    guard let sender = try? SRTPSession(SRTPAgreement(suite, local: left, remote: right)),
        let receiver = try? SRTPSession(SRTPAgreement(suite, local: right, remote: left))
    else { return require(false, "there are ciphers") }
    let plain = Array(octets.dropFirst())
    for isControl in [false, true] {
        var forged = plain
        let isBelieved = (try? isControl ? receiver.unprotectControl(&forged) : receiver.unprotect(&forged)) != nil
        // Of 32 bits one may be guessed.
        require(!isBelieved || suite.tagOctets < 10, "what nobody has protected is not believed")
        var packet = plain
        guard (try? isControl ? sender.protectControl(&packet) : sender.protect(&packet)) != nil else { continue }
        require(packet != plain, "what is protected is another")
        guard (try? isControl ? receiver.unprotectControl(&packet) : receiver.unprotect(&packet)) != nil else {
            return require(false, "what was protected is believed")
        }
        require(packet == plain, "what was protected comes back as it was")
    }
}
