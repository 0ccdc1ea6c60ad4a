import BiloxiKit
import Foundation
import Synchronization

/// The messages of a command and the packets of its sound, to be drawn and written to files when it ends.
final class MessageLog: Sendable {
    private let messages = Mutex<[TracedMessage]>([])
    private let packets = Mutex(PacketCapture())
    private let isCapturing: Bool
    /// Messages that are drawn at most, and octets that are captured: what comes after them is left out.
    static let limit = 10_000, captureLimit = 256 << 20

    /// An empty log.
    ///
    /// - Parameter isCapturing: Whether it is to be captured as datagrams, too.
    init(isCapturing: Bool) { self.isCapturing = isCapturing }

    func add(_ message: TracedMessage) {
        self.messages.withLock { if $0.count < Self.limit { $0.append(message) } }
        guard self.isCapturing else { return }
        self.packets.withLock { if $0.octets.count < Self.captureLimit { $0.append(message) } }
    }

    func add(_ packet: TracedPacket) {
        self.packets.withLock { if $0.octets.count < Self.captureLimit { $0.append(packet) } }
    }

    /// Draws the ladder: as a picture where the name ends in `.svg`, else as text; `-` is standard error.
    ///
    /// - Throws: `CommandError` when the file cannot be written.
    func draw(to path: String) throws(CommandError) {
        let messages = self.messages.withLock { $0 }
        guard path != "-" else { return Output.complain(TextLadder.text(of: messages), prefix: "") }
        let isPicture = path.lowercased().hasSuffix(".svg")
        try Self.write(
            Array((isPicture ? LadderPicture(messages).svg : TextLadder.text(of: messages) + "\n").utf8), to: path)
    }

    /// Writes messages and sound as datagrams, for programs that show such.
    ///
    /// - Throws: `CommandError` when the file cannot be written.
    func capture(to path: String) throws(CommandError) {
        try Self.write(self.packets.withLock { $0.octets }, to: path)
    }

    private static func write(_ octets: [UInt8], to path: String) throws(CommandError) {
        do {
            try Data(octets).write(to: URL(fileURLWithPath: path))
        } catch {
            throw CommandError(.failed, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}

extension TracedMessage {
    /// `INVITE`, or `180 Ringing (INVITE)`.
    var label: String {
        // By scalars: CR LF is one character.
        let lines = self.text.unicodeScalars.split(whereSeparator: { $0 == "\r" || $0 == "\n" }).map { String($0) }
        guard let first = lines.first else { return "(empty)" }
        guard first.hasPrefix("SIP/2.0 ") else { return first.split(separator: " ").first.map(String.init) ?? first }
        let cseq = lines.first { $0.lowercased().hasPrefix("cseq:") }
        let method = cseq?.split(separator: " ").last.map { " (\($0))" } ?? ""
        return String(first.dropFirst(8)) + method
    }

    /// The status of a response; `nil` for a request.
    var status: Int? { self.text.hasPrefix("SIP/2.0 ") ? Int(self.text.dropFirst(8).prefix(3)) : nil }

    /// The text without credentials.
    var textWithoutSecrets: String {
        self.text.components(separatedBy: "\r\n").map { line in
            let lower = line.lowercased()
            // The tag and the suite of a key may be seen (RFC 4568 §4).
            if lower.hasPrefix("a=crypto:") {
                return line.split(separator: " ").prefix(2).joined(separator: " ") + " (left out)"
            }
            let isSecret = lower.hasPrefix("authorization:") || lower.hasPrefix("proxy-authorization:")
            return isSecret ? line.prefix { $0 != ":" } + ": (left out)" : line
        }.joined(separator: "\r\n")
    }
}
