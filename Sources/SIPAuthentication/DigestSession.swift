public import SIPMessages

/// A client's authentication session: it answers one challenge, for this request and the following ones, and counts
/// (RFC 3261 §22.2, RFC 7616 §3.4 and §3.6).
///
///     if let challenge = DigestChallenge.topmostSupported(of: challenges),
///         let secret = account.secret(for: challenge),
///         var session = DigestSession(challenge, username: "alice", secret: secret, cnonce: freshRandomText)
///     {
///         session.writeCredentials(method: "REGISTER", uri: "sip:biloxi.example", body: body.span, to: &value)
///     }
public struct DigestSession: Sendable {
    /// The challenge that is answered.
    public private(set) var challenge: DigestChallenge
    /// The user name that goes into the credentials.
    public let username: String
    /// How many requests were given credentials.
    public private(set) var nonceCount: UInt32 = 0
    /// What is protected; `nil` towards a server of RFC 2069.
    public let quality: QualityOfProtection?

    /// The nonce before the last `nextnonce`, and its count: responses that were on their way are of that one.
    private var previous: (nonce: String, count: UInt32)?
    private let algorithm: DigestAlgorithm
    private let secret: DigestSecret
    private let cnonce: String

    /// A session that answers `challenge`; `nil` when we do not support that or the secret is for another algorithm.
    ///
    /// - Parameters:
    ///   - challenge: The challenge.
    ///   - username: The user name in its realm.
    ///   - secret: The user's secret in its realm, for its algorithm.
    ///   - cnonce: Fresh random text of letters and digits. It stays the same through the session, because the key of
    ///     the `-sess` algorithms is made of the first one (RFC 7616 §3.4.2).
    ///   - prefersIntegrity: Whether to take `auth-int` where both are offered. An element that changes bodies on the
    ///     way breaks it.
    public init?(
        _ challenge: DigestChallenge, username: String, secret: DigestSecret, cnonce: String,
        prefersIntegrity: Bool = false
    ) {
        guard challenge.isSupported, let algorithm = challenge.algorithm, algorithm.base == secret.algorithm else {
            return nil
        }
        (self.challenge, self.username, self.secret, self.cnonce) = (challenge, username, secret, cnonce)
        self.algorithm = algorithm
        let preferred: QualityOfProtection = prefersIntegrity ? .integrity : .authentication
        self.quality = challenge.qualities.contains(preferred) ? preferred : challenge.qualities.first
    }

    /// Appends the value of Authorization or Proxy-Authorization for the next request.
    ///
    /// - Parameters:
    ///   - method: The method of the request.
    ///   - uri: Its Request-URI, exactly as it is written.
    ///   - body: Its body, which is covered with `auth-int`.
    ///   - output: Where the value is appended.
    public mutating func writeCredentials(
        method: Method, uri: String, body: Span<UInt8>, to output: inout [UInt8]
    ) {
        self.nonceCount &+= 1
        let response = self.proof(
            method: method.name, uri: uri, body: body, nonce: self.challenge.nonce, nonceCount: self.nonceCount)
        output.append("Digest username=")
        output.append(quoted: self.username)
        output.append(", realm=")
        output.append(quoted: self.challenge.realm)
        output.append(", nonce=")
        output.append(quoted: self.challenge.nonce)
        output.append(", uri=")
        output.append(quoted: uri)
        output.append(", response=\"")
        response.write(to: &output)
        output.append("\", algorithm=")
        output.append(self.algorithm.name)
        if let quality = self.quality {
            output.append(", cnonce=")
            output.append(quoted: self.cnonce)
            output.append(", qop=")
            output.append(quality.name)
            output.append(", nc=")
            output.append(text: Self.digits(self.nonceCount))
        }
        if let opaque = self.challenge.opaque {
            output.append(", opaque=")
            output.append(quoted: opaque)
        }
    }

    /// What the Authentication-Info of a response shows about the server.
    public enum ServerProof: Hashable, Sendable {
        /// The server knows the secret.
        case proved
        /// It does not.
        case wrong
        /// It says nothing about it, as it may (RFC 7616 §3.5).
        case missing
    }

    /// Judges the server's proof (RFC 7616 §3.5), and takes the next nonce from a server that does not disprove itself.
    ///
    /// - Parameters:
    ///   - info: Authentication-Info, read from `octets`.
    ///   - octets: The whole response, lent for the call.
    ///   - body: Where its body lies.
    ///   - uri: The Request-URI of the request.
    public mutating func receive(
        _ info: AuthenticationInfoIndex, in octets: Span<UInt8>, body: OctetRange, uri: String
    ) -> ServerProof {
        guard info.responseAuthentication.isPresent else {
            self.takeNextNonce(info, in: octets)
            return .missing
        }
        guard
            self.isRight(info, in: octets, body, uri, nonce: self.challenge.nonce, limit: self.nonceCount)
                || self.previous.map({ self.isRight(info, in: octets, body, uri, nonce: $0.nonce, limit: $0.count) })
                    == true
        else { return .wrong }
        self.takeNextNonce(info, in: octets)
        return .proved
    }

    private mutating func takeNextNonce(_ info: AuthenticationInfoIndex, in octets: Span<UInt8>) {
        guard !info.nextNonce.isEmpty else { return }
        let nonce = octets.unquoted(info.nextNonce)
        guard nonce != self.challenge.nonce else { return }  // Each response may name it; the count goes on.
        self.previous = (self.challenge.nonce, self.nonceCount)
        self.challenge.nonce = nonce
        self.nonceCount = 0
    }

    /// Whether the proof is right for one nonce, under which `limit` requests were sent.
    private func isRight(
        _ info: AuthenticationInfoIndex, in octets: Span<UInt8>, _ body: OctetRange, _ uri: String, nonce: String,
        limit: UInt32
    ) -> Bool {
        // With a qop, cnonce and nc are those of the request (§3.5), else it answers another one.
        if self.quality != nil {
            guard info.nonceCount > 0, info.nonceCount <= limit, octets.unquoted(info.cnonce) == self.cnonce else {
                return false
            }
        }
        guard let value = DigestValue(hexadecimal: octets, info.responseAuthentication) else { return false }
        let expected = self.proof(
            method: "", uri: uri, body: octets.extracting(body.range), nonce: nonce, nonceCount: info.nonceCount)
        return value.isEqual(to: expected)
    }

    /// The response for these values, which are brought into one piece of octets first.
    private func proof(
        method: String, uri: String, body: Span<UInt8>, nonce: String, nonceCount: UInt32
    ) -> DigestValue {
        var octets: [UInt8] = []
        func place(_ text: String) -> OctetRange {
            let start = octets.count
            // The digest undoes quoting slashes.
            for octet in text.utf8 {
                if octet == 0x5C { octets.append(0x5C) }
                octets.append(octet)
            }
            return OctetRange(start, octets.count)
        }
        var input = ResponseInput(
            method: place(method), uri: place(uri), body: .absent, nonce: place(nonce),
            cnonce: place(self.cnonce), nc: place(Self.digits(nonceCount)), qop: self.quality)
        input.body = OctetRange(octets.count, octets.count + body.count)
        octets.append(body, 0..<body.count)
        return input.response(self.algorithm, self.secret, in: octets.span)
    }

    /// `nc-value`: eight digits in lower case (RFC 3261 §25.1).
    private static func digits(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
