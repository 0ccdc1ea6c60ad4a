import AudioCodecs
import MediaEngine
import MediaKeying
import SIPMessages

/// An address to listen at.
public struct Listener: Hashable, Sendable {
    let transport: TransportProtocol
    let host: String
    let port: UInt16

    /// UDP at an address; port 0 lets the system choose, host 0.0.0.0 takes all addresses.
    public static func udp(_ host: String, _ port: UInt16) -> Listener {
        Listener(transport: .udp, host: host, port: port)
    }

    /// TCP at an address.
    public static func tcp(_ host: String, _ port: UInt16) -> Listener {
        Listener(transport: .tcp, host: host, port: port)
    }

    /// TLS at an address.
    public static func tls(_ host: String, _ port: UInt16) -> Listener {
        Listener(transport: .tls, host: host, port: port)
    }

    func address() throws(SIPError) -> (transport: TransportProtocol, address: SocketAddress) {
        guard let ip = IPAddress(self.host) else {
            throw SIPError(.invalid, "\"\(self.host)\" is no address to listen at: write 192.0.2.1, ::1 or 0.0.0.0")
        }
        return (self.transport, SocketAddress(ip, self.port))
    }

    /// Where one listens who says nothing: UDP, TCP and TLS at all IPv4 addresses, on ports of the system's choice.
    public static let standard: [Listener] = [.udp("0.0.0.0", 0), .tcp("0.0.0.0", 0), .tls("0.0.0.0", 0)]
}

/// What protects the audio of calls.
public enum MediaEncryption: String, Hashable, Sendable, CaseIterable {
    /// Nothing is asked for. Who calls with SRTP gets it all the same.
    case none
    /// SRTP with keys in the descriptions (RFC 4568): whoever passes the messages on can read them, so they should go over
    /// TLS. Calls without SRTP are refused.
    case sdes
    /// SRTP with keys of a DTLS handshake between both ends (RFC 5763). Calls without SRTP are refused.
    case dtls

    var policy: KeyingPolicy {
        switch self {
        case .none: .whenOffered
        case .sdes: .descriptions
        case .dtls: .handshake
        }
    }
}

/// How a user agent is.
public struct UserAgentSettings: Sendable {
    /// Who calls where there is no account; `nil` for `sip:anonymous@` our address.
    public var address: String?
    /// A proxy that the requests of who has no account pass first: `sip:192.0.2.1:5060;transport=tcp`.
    public var proxy: String?
    /// What goes into User-Agent and Server.
    public var product = "Biloxi"
    /// The encodings for calls, the preferred first: `PCMU`, `PCMA`, `opus`, `G722`, `L16/16000`, and where their libraries
    /// are installed `G729` and `G723`. Which one a call has is decided by who answers it.
    public var codecs: [String] = ["PCMU", "PCMA", "opus", "G722"]
    /// What protects the audio.
    public var encryption = MediaEncryption.none
    /// The ports for audio.
    public var mediaPorts: ClosedRange<UInt16> = 10_000...19_999
    /// The address that others reach us by, where it is not the one that is bound.
    public var advertise: String?
    /// DNS servers in place of those of the system: `192.0.2.53`, `[2001:db8::53]:5353`.
    public var dnsServers: [String] = []
    /// A PEM file with the roots that the certificates of TLS servers must lead to; `nil` for those of the system.
    public var trustRootsFile: String?
    /// Whether TLS servers must show a certificate for their domain. Off, anybody on the way can pretend to be them.
    public var verifiesServers = true
    /// How long a call may be silent in our direction before it is hung up; `nil` for ever.
    public var silence: Duration?
    /// How long the end of a scope waits for BYE and un-REGISTER to be answered.
    public var farewell: Duration = .seconds(2)
    /// Told each message that comes and goes.
    public var trace: (@Sendable (TracedMessage) -> Void)?
    /// Told each packet of the sound of calls, as it is without protection, on a thread that has the sound wait meanwhile. It
    /// must not use the agent or its calls, which wait for that thread.
    public var traceMedia: (@Sendable (TracedPacket) -> Void)?

    /// Settings with the values that stand beside each.
    public init() {}

    func formats() throws(SIPError) -> [AudioFormat] {
        var formats: [AudioFormat] = []
        for name in self.codecs {
            let found = AudioFormat.named(name, among: Self.allFormats)
            guard !found.isEmpty else { throw Self.unknown(name) }
            formats += found.filter { !formats.contains($0) }
        }
        guard !formats.isEmpty else { throw SIPError(.invalid, "no encoding is left for calls: name one") }
        return formats
    }

    private static let allFormats = AudioCodecCatalogue.all.audioFormats

    /// The encodings that this system has, as `codecs` names them.
    public static var knownCodecs: [String] {
        Self.allFormats.map { $0.name == "L16" ? "L16/\($0.sampleRate)" : $0.name }
    }

    private static func unknown(_ name: String) -> SIPError {
        let missing = ["G729": "libbcg729", "G723": "libavcodec"][name.uppercased()]
        let reason = missing.map { "needs \($0), which is not installed" } ?? "is no encoding"
        return SIPError(.invalid, "\"\(name)\" \(reason): use \(Self.knownCodecs.joined(separator: ", "))")
    }
}

/// A message that came or went.
public struct TracedMessage: Sendable {
    /// Whether we have sent it.
    public let isSent: Bool
    /// `udp`, `tcp`, `tls`.
    public let transport: String
    /// Our address and port, as a Via names them: `192.0.2.1:5062`.
    public let local: String
    /// The other side: `192.0.2.1:5060`.
    public let peer: String
    /// Milliseconds since 1970, UTC.
    public let time: Int64
    /// The message.
    public let octets: [UInt8]
    /// The message as text; what is not UTF-8 is repaired.
    public var text: String { String(decoding: self.octets, as: UTF8.self) }
}

/// A packet of the sound of a call that came or went: RTP or RTCP.
public struct TracedPacket: Sendable {
    /// Whether we have sent it.
    public let isSent: Bool
    /// Our address and port: `192.0.2.1:16384`.
    public let local: String
    /// The other side: `192.0.2.7:4000`.
    public let peer: String
    /// Milliseconds since 1970, UTC.
    public let time: Int64
    /// The packet, as it is before it is protected and after it was opened.
    public let octets: [UInt8]
}
