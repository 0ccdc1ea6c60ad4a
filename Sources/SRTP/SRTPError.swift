/// Why a packet cannot be protected, or is not believed.
public enum SRTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Too short for what it says it is.
    case malformed
    /// It was changed on its way, or protected with another key.
    case notAuthentic
    /// It has come before, or is too old to tell (RFC 3711 §3.3.2).
    case replayed
    /// The key has protected as many packets as it may (RFC 3711 §9.2).
    case keyExhausted
    /// More sources send with one key than there is room for.
    case tooManySources
    /// OpenSSL refuses what is asked of it.
    case library(String)

    /// One line for people.
    public var description: String {
        switch self {
        case .malformed: "an SRTP packet is too short"
        case .notAuthentic: "an SRTP packet is not authentic"
        case .replayed: "an SRTP packet was replayed or is too old"
        case .keyExhausted: "the lifetime of the SRTP key has ended: agree on a new one"
        case .tooManySources: "too many sources send with one SRTP key"
        case .library(let name): "OpenSSL has no working \(name)"
        }
    }
}
