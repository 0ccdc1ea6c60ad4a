// What must hold for any nonce and digest. The fuzz target and the test that replays its inputs call the same function.

import SIPAuthentication
import SIPMessages

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// A nonce and a digest that can be read are written as they came: a nonce has one spelling, a digest two.
func fuzzNonce(_ octets: [UInt8]) {
    let ranges = [octets.count, Nonce.octets, 32, 64].filter { $0 <= octets.count }.map { OctetRange(0, $0) }
    for range in ranges {
        let text = octets[range.range]
        if let nonce = Nonce(octets.span, range) {
            var written: [UInt8] = []
            nonce.write(to: &written)
            require(written == Array(text), "a nonce is written as it came")
        }
        if let digest = DigestValue(hexadecimal: octets.span, range) {
            var written: [UInt8] = []
            digest.write(to: &written)
            require(written == text.map { $0 >= 0x41 && $0 <= 0x46 ? $0 + 32 : $0 }, "digits are written as they came")
            require(DigestValue(digest.octets)?.isEqual(to: digest) == true, "its octets make the same digest")
        }
    }
}
