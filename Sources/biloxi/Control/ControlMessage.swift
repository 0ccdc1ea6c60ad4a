import Foundation

/// What another process asks of the running server: one line of JSON, `{"request":"reload"}`.
struct ControlRequest: Codable, Hashable, Sendable {
    /// The kinds of requests.
    enum Kind: String, Codable, Sendable {
        /// Read the configuration again; keep the old one when it is wrong.
        case reload
        /// Read the subscribers again.
        case usersChanged
        /// Say how the server is.
        case status
        /// Say which sources are kept out, or let one in again.
        case bans
        /// Say where a call would go.
        case route
    }
    var request: Kind
    /// What `route` asks.
    var route: RouteQuestion?
    /// Whom `bans` lets in.
    var address: String?
}

/// What the server answers: one line of JSON.
struct ControlReply: Codable, Hashable, Sendable {
    /// Whether it was done.
    var ok: Bool
    /// What went wrong, or what else is to be said; lines for people.
    var messages: [String] = []
    /// The members of an answer to `status`.
    var status: [String: JSONValue]?
}

/// Lines of JSON over a Unix domain socket.
enum ControlLine {
    /// The longest line, in octets.
    static let maximumOctets = 65_536

    static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(value)).map { Array($0) } ?? []) + [0x0A]
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from line: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(line))
    }
}
