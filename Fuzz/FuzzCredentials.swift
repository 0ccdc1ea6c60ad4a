/// Feeds arbitrary octets to the readers of digest fields. It is compiled together with the sources of SIPMessages.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCredentials(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let octets = Array(UnsafeBufferPointer(start: start, count: count))
    let range = 0..<octets.count
    if let credentials = try? CredentialsIndex(parsing: octets.span, in: range) {
        let parts = [
            credentials.scheme, credentials.username, credentials.extendedUsername, credentials.realm,
            credentials.nonce, credentials.uri, credentials.response, credentials.algorithm, credentials.cnonce,
            credentials.nc, credentials.qop, credentials.opaque,
        ]
        for part in parts { precondition(part.lower <= part.upper && part.upper <= octets.count) }
    }
    if let challenge = try? ChallengeIndex(parsing: octets.span, in: range) {
        let parts = [
            challenge.scheme, challenge.realm, challenge.nonce, challenge.algorithm, challenge.qop, challenge.opaque,
            challenge.domain,
        ]
        for part in parts { precondition(part.lower <= part.upper && part.upper <= octets.count) }
    }
    _ = try? AuthenticationInfoIndex(parsing: octets.span, in: range)
    return 0
}
