import Crypto
import Glibc
import NIOSSL
public import SIPMessages

/// A certificate for a server that has been given none: good for encryption, and for whoever trusts this very one.
public struct SelfSignedCertificate: Hashable, Sendable {
    /// The certificate, PEM.
    public let certificate: String
    /// Its private key, PEM: P-256.
    public let key: String

    /// Makes a key and a certificate (RFC 5280 §4.1) for domains and addresses.
    ///
    /// The domains stand in it as SIP URIs and as DNS names (RFC 5922 §7.1).
    ///
    /// - Parameters:
    ///   - now: Seconds since 1970, UTC.
    ///   - days: How long it is valid, from an hour before `now`, as clocks differ.
    /// - Throws: `TransportError`.
    public init(
        domains: [String], addresses: [IPAddress], now: Int64 = SystemClock.wall() / 1000, days: Int64 = 825
    ) throws(TransportError) {
        let key = P256.Signing.PrivateKey()
        var serial = (0..<16).map { _ in UInt8.random(in: 0...255) }
        serial[0] = serial[0] & 0x3F | 0x40  // Positive, and of full length.
        let name = DER.sequence([
            DER.set([DER.sequence([DER.identifier(DER.commonName), DER.utf8(domains.first ?? "biloxi")])])
        ])
        let algorithm = DER.sequence([DER.identifier(DER.ecdsaWithSHA256)])
        let begin = now - 3600
        let content = DER.sequence([
            DER.wrapped(0, DER.integer([2])), DER.integer(serial), algorithm, name,
            DER.sequence([DER.time(begin), DER.time(begin + days * 86_400)]), name,
            [UInt8](key.publicKey.derRepresentation), DER.wrapped(3, Self.extensions(domains, addresses)),
        ])
        let signature: [UInt8]
        do {
            signature = [UInt8](try key.signature(for: content).derRepresentation)
        } catch {
            throw TransportError("TLS: no certificate could be signed: \(error)")
        }
        self.certificate = DER.pem("CERTIFICATE", DER.sequence([content, algorithm, DER.bits(signature)]))
        self.key = key.pemRepresentation + "\n"
    }

    /// Writes both files, the key readable by its owner alone, unless a certificate is there which is for these domains and
    /// addresses and holds for another month.
    ///
    /// - Parameter now: Seconds since 1970, UTC.
    /// - Returns: whether they were written.
    /// - Throws: `TransportError` when they cannot be written.
    @discardableResult
    public static func make(
        certificateFile: String, keyFile: String, domains: [String], addresses: [IPAddress],
        now: Int64 = SystemClock.wall() / 1000
    ) throws(TransportError) -> Bool {
        guard !Self.isGood(certificateFile, for: domains, addresses, at: now) else { return false }
        let made = try SelfSignedCertificate(domains: domains, addresses: addresses)
        try Self.write(made.key, to: keyFile, mode: 0o600)
        try Self.write(made.certificate, to: certificateFile, mode: 0o644)
        return true
    }

    /// Whether a file holds a certificate that will do for another month.
    private static func isGood(_ path: String, for domains: [String], _ addresses: [IPAddress], at now: Int64) -> Bool {
        guard let certificate = try? NIOSSLCertificate.fromPEMFile(path).first,
            let octets = try? certificate.toDERBytes(),
            let identities = CertificateIdentities(certificate: octets.span),
            Int64(certificate.notValidAfter) > now + 30 * 86_400
        else { return false }
        return domains.allSatisfy { identities.prove(Host($0)) } && addresses.allSatisfy { identities.prove(Host($0)) }
    }

    private static func write(_ text: String, to path: String, mode: mode_t) throws(TransportError) {
        // Given at its making, so that nobody can open the key in between.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .system("TLS: \(path)", "open", errno) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw .system("TLS: \(path)", "write", errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// Basic constraints, key usage, extended key usage, subject alternative names (RFC 5280 §4.2.1).
    private static func extensions(_ domains: [String], _ addresses: [IPAddress]) -> [UInt8] {
        var seen: Set<IPAddress> = []
        let addresses = addresses.filter { seen.insert($0).inserted }
        let names =
            domains.flatMap { [DER.tagged(6, Array("sip:\($0)".utf8)), DER.tagged(2, Array($0.utf8))] }
            + addresses.map { DER.tagged(7, $0.networkOctets) }
        return DER.sequence([
            DER.fieldExtension(19, isCritical: true, DER.sequence([DER.boolean(true), DER.integer([0])])),
            DER.fieldExtension(15, isCritical: true, [0x03, 0x02, 0x02, 0x84]),  // digitalSignature, keyCertSign
            DER.fieldExtension(
                37, isCritical: false,
                DER.sequence([DER.identifier(DER.serverAuthentication), DER.identifier(DER.clientAuthentication)])),
            DER.fieldExtension(17, isCritical: false, DER.sequence(names)),
        ])
    }
}

extension IPAddress {
    /// The address as it stands in packets: 4 or 16 octets.
    var networkOctets: [UInt8] {
        func octets(_ number: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - $0))) }
        }
        return self.isIPv6 ? octets(self.high, 8) + octets(self.low, 8) : octets(self.low, 4)
    }
}
