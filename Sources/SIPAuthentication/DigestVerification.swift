public import SIPMessages

extension DigestSecret {
    /// Whether credentials prove knowledge of this secret, for this request.
    ///
    /// Only the response is judged here: realm, nonce and nonce count are the caller's, see `NonceIssuer`. The time it
    /// takes does not depend on how much of the response is right.
    ///
    /// - Parameters:
    ///   - credentials: The credentials, read from `octets`.
    ///   - octets: The whole request, lent for the call.
    ///   - method: Where the method lies. For an ACK that is `ACK`, though its credentials are those of the INVITE and
    ///     prove nothing about it: RFC 3261 §22.1 lets nobody challenge an ACK.
    ///   - body: Where the body lies.
    /// - Returns: false also when algorithm or qop are unknown or do not suit the secret.
    public func verifies(
        _ credentials: CredentialsIndex, in octets: Span<UInt8>, method: OctetRange, body: OctetRange
    ) -> Bool {
        guard let expected = self.response(credentials, in: octets, method: method, body: body),
            let response = DigestValue(hexadecimal: octets, credentials.response)
        else { return false }
        return expected.isEqual(to: response)
    }

    /// Appends the value of Authentication-Info for the response to a request whose credentials were right, in which
    /// the server proves that it too knows the secret (RFC 7616 §3.5).
    ///
    /// - Parameters:
    ///   - credentials: The request's credentials, read from `octets`.
    ///   - octets: The whole request, lent for the call.
    ///   - body: The body of the response, which is covered when the request had `qop=auth-int`.
    ///   - nextNonce: A nonce that the client is to use from now on.
    ///   - output: Where the value is appended. Nothing is when the credentials have an unknown algorithm or qop, or
    ///     no qop, since RFC 2069 did not know the field as it is now.
    public func writeAuthenticationInfo(
        _ credentials: CredentialsIndex, in octets: Span<UInt8>, responseBody body: Span<UInt8>,
        nextNonce: Nonce? = nil, to output: inout [UInt8]
    ) {
        guard credentials.qop.isPresent, !credentials.qop.isEmpty,
            let algorithm = DigestAlgorithm(octets, credentials.algorithm), algorithm.base == self.algorithm,
            let qop = QualityOfProtection(octets, credentials.qop.range)
        else { return }
        var input = ResponseInput(credentials, qop: qop, method: .absent, body: .absent)
        let value: DigestValue
        if qop == .authentication {
            value = input.response(algorithm, self, in: octets)
        } else {
            // The input lies in one piece of octets, which request and response's body are not.
            var joined: [UInt8] = []
            joined.append(octets, 0..<octets.count)
            input.body = OctetRange(joined.count, joined.count + body.count)
            joined.append(body, 0..<body.count)
            value = input.response(algorithm, self, in: joined.span)
        }
        if let nextNonce {
            output.append("nextnonce=\"")
            nextNonce.write(to: &output)
            output.append("\", ")
        }
        output.append("qop=")
        output.append(qop.name)
        output.append(", rspauth=\"")
        value.write(to: &output)
        output.append("\", cnonce=\"")
        output.append(octets, credentials.cnonce.range)
        output.append("\", nc=")
        output.append(octets, credentials.nc.range)
    }

    /// The response that right credentials hold; `nil` when algorithm or qop are unknown or do not suit the secret.
    private func response(
        _ credentials: CredentialsIndex, in octets: Span<UInt8>, method: OctetRange, body: OctetRange
    ) -> DigestValue? {
        guard let algorithm = DigestAlgorithm(octets, credentials.algorithm), algorithm.base == self.algorithm else {
            return nil
        }
        var qop: QualityOfProtection?
        if credentials.qop.isPresent, !credentials.qop.isEmpty {
            qop = QualityOfProtection(octets, credentials.qop.range)
            if qop == nil { return nil }
        }
        // RFC 3261 §22.4, item 8: what depends on the cnonce needs a qop.
        if algorithm.isSession, qop == nil { return nil }
        return ResponseInput(credentials, qop: qop, method: method, body: body).response(algorithm, self, in: octets)
    }
}

extension ResponseInput {
    init(_ credentials: CredentialsIndex, qop: QualityOfProtection?, method: OctetRange, body: OctetRange) {
        self.init(
            method: method, uri: credentials.uri, body: body, nonce: credentials.nonce, cnonce: credentials.cnonce,
            nc: credentials.nc, qop: qop)
    }
}
