/// How long a session lasts without refresh, and who refreshes it (RFC 4028 §4).
public struct SessionExpires: FieldValue {
    /// Which side of the INVITE or UPDATE sends the refreshes.
    public enum Refresher: Hashable, Sendable { case uac, uas }

    /// Seconds; below 90 no element may go (RFC 4028 §4).
    public var seconds: UInt32
    /// The parameters.
    public var parameters: Parameters

    /// A session interval in seconds.
    public init(_ seconds: UInt32, refresher: Refresher? = nil) {
        self.seconds = seconds
        self.parameters = Parameters()
        self.refresher = refresher
    }

    /// Parses one value by its grammar; throws `SIPParseError` where it is broken.
    public init(parsing octets: Span<UInt8>, in value: Range<Int>, field: HeaderID) throws(SIPParseError) {
        let plain = try DeltaSeconds(parsing: octets, in: value, field: field)
        (self.seconds, self.parameters) = (plain.seconds, plain.parameters)
        if self.parameters.has("refresher"), self.refresher == nil {
            throw SIPParseError(.malformed, in: field, at: value.lowerBound)
        }
    }

    /// Appends the value as it is sent.
    public func write(to output: inout [UInt8]) {
        DeltaSeconds(self.seconds, parameters: self.parameters).write(to: &output)
    }

    /// The `refresher` parameter.
    public var refresher: Refresher? {
        get {
            switch self.parameters["refresher"]?.asciiLowercased {
            case "uac": .uac
            case "uas": .uas
            default: nil
            }
        }
        set { self.parameters["refresher"] = newValue.map { $0 == .uac ? "uac" : "uas" } }
    }
}
