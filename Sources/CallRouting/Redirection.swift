public import SIPMessages

/// An answer that sends the caller elsewhere: RFC 3261 §8.3, §21.3.
public struct Redirection: Hashable, Sendable {
    /// One place to try.
    public struct Contact: Hashable, Sendable {
        /// A URI.
        public var uri: String
        /// The preference; `nil` says nothing, which counts as 1 (§20.10).
        public var q: QValue?
        /// For how many seconds the caller may remember it (§8.3); `nil` for this once.
        public var expires: UInt32?

        /// A place to try.
        public init(_ uri: String, q: QValue? = nil, expires: UInt32? = nil) {
            (self.uri, self.q, self.expires) = (uri, q, expires)
        }
    }

    /// 300, 301, 302, 305 or 380.
    public var status: UInt16
    /// Where to; empty for the devices that the called user has registered.
    public var contacts: [Contact]

    /// An answer with this status and these contacts.
    public init(_ status: UInt16, _ contacts: [Contact]) { (self.status, self.contacts) = (status, contacts) }

    /// The statuses that a server may answer with, and their reason phrases (§21.3).
    public static let statuses: [UInt16] = [300, 301, 302, 305, 380]

    /// The reason phrase of the status.
    public var phrase: StaticString {
        switch self.status {
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 305: "Use Proxy"
        case 380: "Alternative Service"
        default: "Moved Temporarily"
        }
    }

    /// Appends one Contact line for each contact.
    public func writeContacts(into fields: inout [UInt8]) {
        for contact in self.contacts {
            Self.writeContact(
                Array(contact.uri.utf8), q: contact.q, expires: contact.expires.map(UInt64.init), into: &fields)
        }
    }

    /// Appends one Contact line.
    public static func writeContact(_ uri: [UInt8], q: QValue?, expires: UInt64?, into fields: inout [UInt8]) {
        fields.append("Contact: <")
        fields.append(contentsOf: uri)
        fields.append(0x3E)
        if let q {
            fields.append(";q=")
            fields.append(contentsOf: Array(q.description.utf8))
        }
        if let expires {
            fields.append(";expires=")
            fields.append(decimal: expires)
        }
        fields.append("\r\n")
    }
}
