import SIPMessages

/// A session description (RFC 8866), kept as it came: what is not changed is written as the same octets.
///
///     let offer = try SessionDescription(octets)
///     for medium in offer.media where medium.line.type == "audio" { print(medium.formats) }
///
/// Reading is lenient where a peer can still be understood; `violations` names what breaks a rule all the same.
public struct SessionDescription: Hashable, Sendable, SDPSection {
    /// The letters of its lines in their order.
    public static let order: StaticString = "siuepcbtrzka"

    /// The `v=` line as it came.
    let version: SDPLine
    /// The `o=` line as it came, while `origin` is what it says.
    private var originLine: SDPLine?
    /// Who made the description (`o=`).
    public var origin: Origin { didSet { if self.origin != oldValue { self.originLine = nil } } }
    /// The lines from `s=` to the first `m=`.
    public var lines: [SDPLine]
    /// The media in their order, which is what identifies them in offer and answer (RFC 3264 §8).
    public var media: [MediaDescription]
    /// Empty lines at the end, as some peers send them.
    private let trailer: [UInt8]

    init(version: SDPLine, origin: Origin, originLine: SDPLine, trailer: [UInt8]) {
        (self.version, self.origin, self.originLine, self.trailer) = (version, origin, originLine, trailer)
        (self.lines, self.media) = ([], [])
    }

    /// An empty description with `s=-` and `t=0 0`, as a unicast session has them (RFC 3264 §5).
    public init(origin: Origin) {
        self.version = SDPLine("v", "0")
        self.origin = origin
        self.lines = [SDPLine("s", "-"), SDPLine("t", "0 0")]
        self.media = []
        self.trailer = []
    }

    /// Parses a description.
    ///
    /// - Throws: `SDPParseError` with the line and the rule.
    public init(_ octets: [UInt8], limits: SDPLimits = SDPLimits()) throws(SDPParseError) {
        self = try SDPParser.parse(octets.span, limits: limits)
    }

    /// Parses a description that is lent for the call.
    ///
    /// - Throws: `SDPParseError` with the line and the rule.
    public init(parsing octets: Span<UInt8>, limits: SDPLimits = SDPLimits()) throws(SDPParseError) {
        self = try SDPParser.parse(octets, limits: limits)
    }

    /// Appends the description.
    public func write(to output: inout [UInt8]) {
        let hasMore = !self.media.isEmpty || !self.trailer.isEmpty
        self.version.write(to: &output)
        (self.originLine ?? SDPLine("o", self.origin.description))
            .write(to: &output, isLast: !hasMore && self.lines.isEmpty)
        for (i, line) in self.lines.enumerated() {
            line.write(to: &output, isLast: !hasMore && i == self.lines.count - 1)
        }
        for (i, medium) in self.media.enumerated() {
            medium.write(to: &output, isLast: i == self.media.count - 1 && self.trailer.isEmpty)
        }
        output.append(contentsOf: self.trailer)
    }

    /// The description as it is sent.
    public var octets: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(512)
        self.write(to: &output)
        return output
    }

    // MARK: Typed access

    /// The name of the session (`s=`); `nil` where a peer sent none.
    public var name: String? {
        get { self.line("s")?.text }
        set { self.setLine("s", newValue) }
    }

    /// When the session is active (`t=`), of the first time description.
    public var timing: Timing? {
        get { self.line("t").flatMap { Timing(parsing: $0.value) } }
        set { self.setLine("t", newValue?.description) }
    }

    /// The groups of media (`a=group`, RFC 5888).
    public var groups: [MediaGroup] { self.attributeValues("group").compactMap { MediaGroup($0) } }

    /// The connection of a medium: its own, or else the session's (RFC 8866 §5.7).
    public func connection(of medium: MediaDescription) -> ConnectionData? { medium.connection ?? self.connection }

    /// The direction of a medium: its own, or else the session's, or else `sendrecv` (RFC 8866 §6.7).
    public func direction(of medium: MediaDescription) -> MediaDirection {
        medium.ownDirection ?? self.ownDirection ?? .sendrecv
    }

    /// Where RTP and RTCP of a medium go; `nil` when there is no connection.
    public func destination(of medium: MediaDescription) -> MediaDestination? {
        guard let connection = self.connection(of: medium) else { return nil }
        return MediaDestination(connection, medium)
    }
}

/// A group of media (`a=group`, RFC 5888 §5).
public struct MediaGroup: Hashable, Sendable, CustomStringConvertible {
    /// `LS`, `FID`, `BUNDLE`, or another.
    public var semantics: String
    /// The identifications (`a=mid`) of its media.
    public var members: [String]

    /// A group.
    public init(_ semantics: String, _ members: [String]) { (self.semantics, self.members) = (semantics, members) }

    init?(_ value: String) {
        var reader = LineReader(value)
        guard let semantics = reader.token() else { return nil }
        self.semantics = semantics
        self.members = []
        while let member = reader.word() { self.members.append(member) }
    }

    /// The value of the attribute.
    public var description: String { ([self.semantics] + self.members).joined(separator: " ") }
}
