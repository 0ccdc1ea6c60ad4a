import Crypto
import SIPMessages

extension DigestAlgorithm {
    /// The digest of the octets of `octets` that lie in `range`.
    func hash(_ octets: Span<UInt8>, _ range: Range<Int>) -> DigestValue {
        switch self.base {
        case .md5: Insecure.MD5.hash(octets, range)
        case .sha256: SHA256.hash(octets, range)
        default: SHA512256.hash(octets, range)
        }
    }
}

/// Where the values lie that a response covers, all in the same octets; those of a quoted string still have its
/// quoting slashes.
struct ResponseInput {
    /// What A2 begins with: the method of a request, and nothing for the server's proof in a response (RFC 7616 §3.5).
    var method: OctetRange
    var uri: OctetRange
    var body: OctetRange
    var nonce: OctetRange
    var cnonce: OctetRange
    var nc: OctetRange
    /// `nil` for a peer of RFC 2069 (RFC 2617 §3.2.2.1).
    var qop: QualityOfProtection?

    /// The response: RFC 7616 §3.4.1 to §3.4.3, RFC 2617 §3.2.2.1 without qop.
    func response(_ algorithm: DigestAlgorithm, _ secret: DigestSecret, in octets: Span<UInt8>) -> DigestValue {
        switch algorithm.base {
        case .md5: self.response(Insecure.MD5.self, algorithm.isSession, secret.value, octets)
        case .sha256: self.response(SHA256.self, algorithm.isSession, secret.value, octets)
        default: self.response(SHA512256.self, algorithm.isSession, secret.value, octets)
        }
    }

    @inline(__always)
    private func response<Function: DigestFunction>(
        _: Function.Type, _ isSession: Bool, _ secret: DigestValue, _ octets: Span<UInt8>
    ) -> DigestValue {
        let a2 = self.a2(Function.self, octets)
        var function = Function()
        function.update(isSession ? self.sessionKey(Function.self, secret, octets) : secret)
        function.update(":")
        function.update(unquoting: octets, self.nonce)
        if let qop = self.qop {
            function.update(":")
            function.update(octets, self.nc.range)
            function.update(":")
            function.update(unquoting: octets, self.cnonce)
            function.update(qop == .authentication ? ":auth:" : ":auth-int:")
        } else {
            function.update(":")
        }
        function.update(a2)
        return function.digest()
    }

    /// `H(A1)` of the session variants (§3.4.2).
    private func sessionKey<Function: DigestFunction>(
        _: Function.Type, _ secret: DigestValue, _ octets: Span<UInt8>
    ) -> DigestValue {
        // The first digest enters in hexadecimal: RFC 2617 erratum 1649.
        // A server that keeps no sessions takes nonce and cnonce of this request for those of the first one (§3.4.2),
        // which holds for clients that, like ours, keep their cnonce while they keep the nonce.
        var function = Function()
        function.update(secret)
        function.update(":")
        function.update(unquoting: octets, self.nonce)
        function.update(":")
        function.update(unquoting: octets, self.cnonce)
        return function.digest()
    }

    /// `H(A2)` (§3.4.3).
    @inline(__always)
    private func a2<Function: DigestFunction>(_: Function.Type, _ octets: Span<UInt8>) -> DigestValue {
        var function = Function()
        function.update(octets, self.method.range)
        function.update(":")
        function.update(unquoting: octets, self.uri)
        if self.qop == .integrity {
            function.update(":")
            function.update(Function.hash(octets, self.body.range))
        }
        return function.digest()
    }
}
