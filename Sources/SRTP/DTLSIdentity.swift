import COpenSSL
public import MediaKeying

/// A key and its certificate, made for calls and signed by itself (RFC 5763 §5: its fingerprint is what counts).
///
/// Invariant: OpenSSL counts references to both, and nothing changes them.
public final class DTLSIdentity: @unchecked Sendable {
    let key: OpaquePointer
    let certificate: OpaquePointer
    /// What our descriptions say.
    public var fingerprint: Fingerprint {
        Self.fingerprint(of: self.certificate, hash: "sha-256") ?? Fingerprint(hash: "sha-256", octets: [])
    }

    /// A new key on the curve P-256 with a certificate for the next thirty days.
    public init() throws(DTLSError) {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw .library("key generation") }
        defer { EVP_PKEY_CTX_free(context) }
        var made: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            EVP_PKEY_generate(context, &made) == 1, let key = made
        else { throw .library("key generation") }
        guard let certificate = X509_new() else {
            EVP_PKEY_free(key)
            throw .library("certificate")
        }
        (self.key, self.certificate) = (key, certificate)
        var serial = [UInt8](repeating: 0, count: 8)
        RAND_bytes(&serial, 8)
        let number = serial.reduce(Int64(0)) { $0 << 8 | Int64($1) } & .max
        let name = X509_get_subject_name(certificate)
        // A name that tells nothing (RFC 5763 §8.1 has no use for one).
        let text = Array("call".utf8)
        guard X509_set_version(certificate, 2) == 1,
            ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), number) == 1,
            X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400) != nil,
            X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * 86_400) != nil,
            X509_set_pubkey(certificate, key) == 1,
            X509_NAME_add_entry_by_txt(name, "CN", 0x1001, text, Int32(text.count), -1, 0) == 1,
            X509_set_issuer_name(certificate, name) == 1, X509_sign(certificate, key, EVP_sha256()) > 0
        else { throw .library("certificate") }
    }

    deinit {
        X509_free(self.certificate)
        EVP_PKEY_free(self.key)
    }

    /// The digest of a certificate; `nil` for a hash that is not safe.
    static func fingerprint(of certificate: OpaquePointer, hash: String) -> Fingerprint? {
        let algorithms = ["sha-256": EVP_sha256(), "sha-384": EVP_sha384(), "sha-512": EVP_sha512()]
        guard let algorithm = algorithms[hash] else { return nil }
        var (octets, count) = ([UInt8](repeating: 0, count: 64), UInt32(0))
        guard X509_digest(certificate, algorithm, &octets, &count) == 1 else { return nil }
        return Fingerprint(hash: hash, octets: Array(octets.prefix(Int(count))))
    }
}
