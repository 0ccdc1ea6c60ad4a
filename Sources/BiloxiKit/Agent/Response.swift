import AgentCore
public import SIPMessages

/// A response to a request.
public struct Response: Hashable, Sendable {
    /// The status, 100-699.
    public var status: Int { Int(self.message.status?.number ?? 500) }
    /// The reason phrase.
    public var reason: String { self.message.reasonPhrase }
    /// Whether it is a 2xx.
    public var isSuccess: Bool { self.status / 100 == 2 }
    /// The body.
    public var body: [UInt8] { self.message.body }
    /// The whole message, with its typed fields.
    public let message: SIPMessage

    init(_ message: SIPMessage) { self.message = message }

    /// The values of a header field, one for each line, by its name in any case.
    public func values(of name: String) -> [String] { self.message.values(of: name) }

    /// The error that it stands for.
    public var error: SIPError { SIPError(self.message) }
}

/// A message that someone has sent (RFC 3428). It has been answered with 200.
public struct IncomingMessage: Hashable, Sendable {
    /// Who sent it, by its own word: `sip:alice@example.test`.
    public let from: String
    /// Whom it is for.
    public let to: String
    /// What its body is: `text/plain`.
    public let contentType: String
    /// The body as text; what is not UTF-8 is repaired.
    public let text: String
    /// The whole request, with its typed fields.
    public let message: SIPMessage

    init(_ message: SIPMessage) {
        self.message = message
        self.from = message.first(.from)?.uri.description ?? ""
        self.to = message.first(.to)?.uri.description ?? ""
        self.contentType = message.contentType.map { "\($0.type)/\($0.subtype)" } ?? ""
        self.text = String(decoding: message.body, as: UTF8.self)
    }
}

extension SIPMessage {
    /// The values of a header field as they stand, one for each line.
    func values(of name: String) -> [String] {
        let id = HeaderID(name: name)
        return self.index.fields.compactMap { field in
            let written = self.octets.span.string(field.name)
            guard field.id == id, id != .other || written.lowercased() == name.lowercased() else { return nil }
            return self.octets.span.string(field.value)
        }
    }
}

extension SIPError {
    /// How a request or call of ours ended without a response that says why.
    init(_ end: CallEnd) {
        switch end {
        case .hungUp, .remoteHungUp: self = .ended("hung up")
        case .cancelled: self.init(.cancelled, "the call was cancelled")
        case .rejected(let status, let reason):
            self.init(Self.code(of: status), status: Int(status.number), reason)
        case .timedOut: self.init(.timeout, "nobody answered in time")
        case .unreachable: self.init(.unreachable, "no way leads there, or nobody listens there")
        case .replaced: self = .ended("another call has taken its place")
        case .unacknowledged: self = .ended("no ACK came to our answer")
        case .sessionExpired: self = .ended("no refresh of the session came in time")
        case .failed(let problem): self.init(.media, problem)
        }
    }
}
