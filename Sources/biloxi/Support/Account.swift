import Foundation
import Persistence
import SIPAuthentication
import SIPMessages

/// A user of a domain, as someone types it.
struct Account: Hashable, Sendable {
    /// The user part, escapes undone.
    let user: String
    /// The domain, in lower case.
    let domain: String

    var aor: String { "\(self.user)@\(self.domain)" }

    /// The account in `alice`, `alice@biloxi.example` or `sip:alice@biloxi.example`.
    ///
    /// - Parameter defaultDomain: The domain where none is given.
    init(_ text: String, defaultDomain: String) throws(CommandError) {
        let address = text.contains("@") ? text : "\(text)@\(defaultDomain)"
        let whole = address.hasPrefix("sip:") || address.hasPrefix("sips:") ? address : "sip:" + address
        let octets = Array(whole.utf8)
        guard let uri = try? URIIndex(parsing: octets.span, in: 0..<octets.count), uri.hasUser, !uri.hasPassword,
            uri.port == 0, uri.parameters.isEmpty, uri.headers.isEmpty
        else {
            throw CommandError(.usage, "\"\(text)\" is no user: write alice or alice@\(defaultDomain)")
        }
        func part(_ range: OctetRange) -> String {
            String(decoding: octets[range.range], as: UTF8.self)
        }
        guard let user = part(uri.user).removingPercentEncoding, !user.isEmpty,
            !user.unicodeScalars.contains(where: { $0 == ":" || $0 == "\"" || $0 == "\\" || $0.value < 0x20 })
        else {
            // A digest is over user:realm:password, so a colon would make two users one (RFC 7616 §3.4.2).
            throw CommandError(.usage, "\"\(text)\" is no user: leave out colons, quotes and backslashes")
        }
        self.user = user
        self.domain = part(uri.host).lowercased()
    }

    /// The secrets of this account for a password, with the domain as the realm.
    func secrets(password: String) -> SubscriberSecrets {
        func secret(_ algorithm: DigestAlgorithm) -> [UInt8] {
            DigestSecret(username: self.user, realm: self.domain, password: password, algorithm: algorithm).octets
        }
        return SubscriberSecrets(md5: secret(.md5), sha256: secret(.sha256), sha512_256: secret(.sha512256))
    }

    /// The account with these secrets, made now.
    func subscriber(displayName: String? = nil, password: String) -> Subscriber {
        Subscriber(
            user: self.user, domain: self.domain, displayName: displayName, secrets: self.secrets(password: password),
            createdAt: Int64(Date().timeIntervalSince1970 * 1000))
    }
}
