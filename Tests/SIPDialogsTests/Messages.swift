import SIPMessages
import Testing

/// Messages of the dialog of RFC 3261 §12, with what a test wants to vary.
enum Messages {
    static let offer = Array("v=0\r\n".utf8)

    static func invite(
        cseq: UInt32 = 314159, to: String = "<sip:bob@biloxi.com>", uri: String = "sip:bob@biloxi.com",
        fields: [(String, String)] = []
    ) throws -> SIPMessage {
        var builder = MessageBuilder(.invite, try URI(uri))
        builder.add(named: "Via", "SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds")
        builder.add(named: "From", "Alice <sip:alice@atlanta.com>;tag=1928301774")
        builder.add(named: "To", to)
        builder.add(named: "Call-ID", "a84b4c76e66710")
        builder.add(.cseq, CSeq(cseq, .invite))
        builder.add(named: "Contact", "<sip:alice@pc33.atlanta.com>")
        for field in fields { builder.add(named: field.0, field.1) }
        return try builder.message()
    }

    static func response(
        _ status: StatusCode, to request: SIPMessage, tag: String = "a6c85cf", contact: String? = "<sip:bob@192.0.2.4>",
        fields: [(String, String)] = []
    ) throws -> SIPMessage {
        var builder = MessageBuilder(status, to: request, toTag: tag)
        if let contact { builder.add(named: "Contact", contact) }
        for field in fields { builder.add(named: field.0, field.1) }
        return try builder.message()
    }
}
