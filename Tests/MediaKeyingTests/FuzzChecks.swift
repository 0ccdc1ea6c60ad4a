// What must hold for any octets. The fuzz target and the test that replays its inputs call the same function.

@testable import MediaKeying

/// Stops a fuzzer, and fails a test, when a rule does not hold.
private func require(_ condition: Bool, _ rule: StaticString, line: UInt = #line) {
    precondition(condition, String(describing: rule), line: line)
}

/// What can be read of `a=crypto` and `a=fingerprint` is written so that it reads back equal, no key is in what a log would
/// show, and an offer of such lines is answered or refused.
func fuzzKeying(_ octets: [UInt8]) {
    let lines = String(decoding: octets, as: UTF8.self).split(separator: "\n").map { String($0) }
    var fingerprints: [Fingerprint] = []
    for line in lines {
        if let attribute = try? CryptoAttribute(line) {
            guard let again = try? CryptoAttribute(attribute.value) else {
                return require(false, "what is written can be read")
            }
            require(again.key.octets == attribute.key.octets, "a key stays what it is")
            require(again.suite == attribute.suite && again.tag == attribute.tag, "suite and tag stay what they are")
            require(!attribute.description.contains(Base64.encode(attribute.key.octets)), "no key is shown")
        }
        if let fingerprint = Fingerprint(line) {
            require(Fingerprint(fingerprint.description) == fingerprint, "a fingerprint stays what it is")
            fingerprints.append(fingerprint)
        }
    }
    let source = KeyingExchange.Source(fingerprint: Fingerprint(hash: "sha-256", octets: [1])) { count in
        [UInt8](repeating: 0xA5, count: count)
    }
    for policy in [KeyingPolicy.whenOffered, .descriptions, .handshake] {
        for transport in ["RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVPF"] {
            var exchange = KeyingExchange(policy)
            let offer = KeyingLines(transport, crypto: lines, fingerprints: fingerprints, setup: lines.first)
            let answer = try? exchange.receiveOffer(offer, source)
            require((answer == nil) == (exchange.keys == nil), "what is refused changes nothing")
            require(exchange.keys != .clear || !offer.isSecure, "a secure protocol is never left in the clear")
        }
    }
}
