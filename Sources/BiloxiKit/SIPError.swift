import SDP
import SIPMessages

/// Why something did not come about, and what the other side said of it.
///
///     } catch let error as SIPError where error.code == .busy {
///         print("busy, try again in \(error.retryAfter ?? .seconds(60))")
///     }
public struct SIPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of an error. Open: a later version may know more.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// What it is called.
        public let name: String

        init(_ name: String) { self.name = name }

        /// They are busy: 486, 600.
        public static let busy = Code("busy")
        /// They do not want to talk: 603, 607, 608.
        public static let declined = Code("declined")
        /// There is nobody of that name: 404, 410, 484, 604.
        public static let notFound = Code("notFound")
        /// The password is wrong or missing: 401, 407.
        public static let authentication = Code("authentication")
        /// Nothing can be agreed on to talk in: 488, 606, 415.
        public static let notAcceptable = Code("notAcceptable")
        /// Refused with another 4xx or 6xx, or a 3xx that led nowhere.
        public static let rejected = Code("rejected")
        /// Nobody is there at present: 480.
        public static let unavailable = Code("unavailable")
        /// A server has failed: 5xx.
        public static let serverError = Code("serverError")
        /// Nobody answered in time.
        public static let timeout = Code("timeout")
        /// There is no way there: no address, or nobody listens at it.
        public static let unreachable = Code("unreachable")
        /// The call was given up, by us or by them, before it was answered.
        public static let cancelled = Code("cancelled")
        /// The call is over.
        public static let ended = Code("ended")
        /// Something is wrong with the audio: no port, no file.
        public static let media = Code("media")
        /// What was asked for makes no sense: an address that is none, say.
        public static let invalid = Code("invalid")

        /// What it is called.
        public var description: String { self.name }
    }

    /// The kind of error.
    public var code: Code
    /// The status of the response; `nil` where there was none.
    public var status: Int?
    /// The reason phrase of the response, or what went wrong in words.
    public var reason: String
    /// The texts of the response's Warning fields (RFC 3261 §20.43).
    public var warnings: [String] = []
    /// When to try again.
    public var retryAfter: Duration?
    /// The Call-ID, to find the call in a trace.
    public var callID: String?
    /// What the other side could talk in, by the body of its refusal: `PCMU`, `G729`.
    public var codecs: [String] = []

    /// An error.
    public init(_ code: Code, status: Int? = nil, _ reason: String) {
        (self.code, self.status, self.reason) = (code, status, reason)
    }

    /// One line: `486 Busy Here`.
    public var description: String {
        var text = self.status.map { "\($0) \(self.reason)" } ?? self.reason
        if !self.warnings.isEmpty { text += " (\(self.warnings.joined(separator: "; ")))" }
        if let retryAfter { text += ", try again in \(retryAfter.components.seconds) s" }
        return text
    }

    /// What a response says.
    init(_ response: SIPMessage) {
        let status = response.status ?? 500
        self.init(Self.code(of: status), status: Int(status.number), response.reasonPhrase)
        if self.reason.isEmpty { self.reason = status.reasonPhrase }
        self.warnings = response.all(.warning).map(\.phrase)
        self.retryAfter = response.first(.retryAfter).map { .seconds(Int64($0.seconds)) }
        self.callID = response.first(.callID)?.value
        if !response.body.isEmpty, let description = try? SessionDescription(response.body) {
            for medium in description.media where medium.line.type == "audio" {
                for format in medium.formats where format.isPrimary && !self.codecs.contains(format.map.encoding) {
                    self.codecs.append(format.map.encoding)
                }
            }
        }
    }

    static func code(of status: StatusCode) -> Code {
        switch status {
        case 486, 600: .busy
        case 603, 607, 608: .declined
        case 404, 410, 484, 604: .notFound
        case 401, 407: .authentication
        case 415, 488, 606: .notAcceptable
        case 480: .unavailable
        case 408: .timeout
        case 487: .cancelled
        default: status.statusClass == 5 ? .serverError : .rejected
        }
    }

    static func ended(_ reason: String) -> SIPError { SIPError(.ended, "the call is over: \(reason)") }
}
