import SIPMessages

/// How transports are called in the DNS: NAPTR services and the labels of SRV names.
enum SIPService {
    /// The transport that a NAPTR service stands for, `nil` when it is none of ours: RFC 3263 §9, RFC 4168 §6
    /// (`SIPS+D2S`), RFC 7118 §5.5 (`D2W`). `SIPS+D2U` cannot be, as there is no TLS over UDP (RFC 3263 §4.1).
    static func transport(ofService service: String) -> TransportProtocol? {
        switch String(decoding: service.utf8.map { DomainName.lowercased($0) }, as: UTF8.self) {
        case "sip+d2u": .udp
        case "sip+d2t": .tcp
        case "sip+d2s": .sctp
        case "sip+d2w": .ws
        case "sips+d2t": .tls
        case "sips+d2s": .tlsSCTP
        case "sips+d2w": .wss
        default: nil
        }
    }

    /// Where the SRV records of a transport are (RFC 3263 §4.2): `_sips._tcp` for TLS; `nil` when the name is too long.
    static func name(of transport: TransportProtocol, in domain: DomainName) -> DomainName? {
        let labels: String? =
            switch transport {
            case .udp: "_sip._udp"
            case .tcp: "_sip._tcp"
            case .tls: "_sips._tcp"
            case .sctp: "_sip._sctp"
            case .tlsSCTP: "_sips._sctp"
            case .ws: "_sip._ws"
            case .wss: "_sips._ws"
            default: nil
            }
        return labels.flatMap { domain.prefixed($0) }
    }

    /// The transport that a `transport` parameter means under a scheme; `nil` when it cannot be had.
    ///
    /// The parameter names what is below TLS: `sips:…;transport=tcp` is TLS (RFC 5630 §3.1.4), and UDP is no transport
    /// for SIPS. `transport=tls` is deprecated, and still understood.
    static func transport(_ named: TransportProtocol, isSecure: Bool) -> TransportProtocol? {
        guard isSecure else { return named }
        return switch named {
        case .tcp, .tls: .tls
        case .sctp, .tlsSCTP: .tlsSCTP
        case .ws, .wss: .wss
        default: nil
        }
    }
}
