import BiloxiKit
import Foundation
import SIPMessages

/// Something that happened, as it is printed.
struct Report: Sendable {
    /// Its name.
    let event: String
    /// What there is to say of it.
    let members: [String: JSONValue]
    /// The same for people.
    let text: String

    init(_ event: String, _ members: [String: JSONValue] = [:], text: String) {
        (self.event, self.members, self.text) = (event, members, text)
    }
}

extension Output {
    /// Prints a report.
    func emit(_ report: Report) { self.emit(report.event, report.members, text: report.text) }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int {
        Int(self.components.seconds * 1_000 + self.components.attoseconds / 1_000_000_000_000_000)
    }

    /// Milliseconds with what is behind the point.
    var exactMilliseconds: Double {
        Double(self.components.attoseconds) / 1e15 + Double(self.components.seconds) * 1e3
    }
}

extension CallEvent {
    /// How it is printed.
    var report: Report {
        switch self {
        case .progress(let status, let reason):
            Report("progress", ["status": .number(status), "reason": .string(reason)], text: "\(status) \(reason)")
        case .answered: Report("answered", text: "answered")
        case .audioBegan(let source): Report("audio", ["from": .string(source)], text: "audio from \(source)")
        case .digit(let digit):
            Report(
                "digit", ["key": .string(String(digit.key)), "via": .string(digit.via.rawValue)],
                text: "key \(digit.key) (\(digit.via.rawValue))")
        case .heldByPeer: Report("held", text: "held by the other side")
        case .resumedByPeer: Report("resumed", text: "resumed by the other side")
        case .information(let request):
            Report("info", request.members, text: "INFO of \(request.contentType): \(request.text)")
        case .message(let message): Report("message", message.members, text: "\(message.from): \(message.text)")
        case .silent: Report("silent", text: "nothing is heard")
        case .oneWayAudio(let finding):
            Report("oneWayAudio", finding.members, text: "one-way audio: \(finding)")
        case .transferRequested(let transfer):
            Report(
                "transferRequested", ["target": .string(transfer.target)],
                text: "asked to call \(transfer.target)")
        case .transferred(let peer):
            Report("transferred", ["to": .string(peer)], text: "the other side is \(peer) now")
        case .transferProgress(let status, let reason):
            Report(
                "transferProgress", ["status": .number(status), "reason": .string(reason)],
                text: "transfer: \(status) \(reason)")
        case .ended(let error): Report("ended", error.members, text: "\(error)")
        }
    }
}

extension OneWayAudio {
    /// What is printed of it.
    var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "direction": .string(self.isNothingHeard ? "in" : "out"), "reason": .string(self.description),
        ]
        let addresses = [
            "described": self.described, "source": self.source, "destination": self.destination,
            "elsewhere": self.elsewhere,
        ]
        for (name, address) in addresses { if let address { members[name] = .string(address) } }
        return members
    }
}

extension SIPMessage {
    /// The header fields by their names, each with its values, one for each line.
    var fields: JSONValue {
        var fields: [String: [JSONValue]] = [:]
        let octets = self.octets.span
        for field in self.index.fields {
            fields[octets.string(field.name), default: []].append(.string(octets.string(field.value)))
        }
        return .object(fields.mapValues { .array($0) })
    }
}

extension IncomingMessage {
    /// What is printed of it.
    var members: [String: JSONValue] {
        [
            "from": .string(self.from), "to": .string(self.to), "text": .string(self.text),
            "contentType": .string(self.contentType),
        ]
    }
}

extension SIPError {
    /// What is printed of it.
    var members: [String: JSONValue] {
        var members: [String: JSONValue] = ["reason": .string(self.reason), "code": .string(self.code.name)]
        if let status { members["status"] = .number(status) }
        if let callID { members["callID"] = .string(callID) }
        if let retryAfter { members["retryAfterMilliseconds"] = .number(retryAfter.milliseconds) }
        if !self.warnings.isEmpty { members["warnings"] = .array(self.warnings.map { .string($0) }) }
        if !self.codecs.isEmpty { members["codecs"] = .array(self.codecs.map { .string($0) }) }
        return members
    }
}

extension Call {
    /// How it sounded, as it is printed.
    func qualityReport(length: Duration) -> Report {
        let quality = self.quality()
        func rounded(_ value: Double) -> JSONValue { .decimal((value * 100).rounded() / 100) }
        var members: [String: JSONValue] = [
            "mos": rounded(quality.mos), "codec": .string(quality.codec), "received": .number(quality.received),
            "lost": .number(quality.lost), "lossPercent": rounded(quality.lossPercent), "sent": .number(quality.sent),
            "jitterMilliseconds": .number(quality.jitter.milliseconds),
            "bufferMilliseconds": .number(quality.bufferDelay.milliseconds),
            "heardMilliseconds": .number(quality.heard.milliseconds),
            "lengthMilliseconds": .number(length.milliseconds),
        ]
        if let roundTrip = quality.roundTrip { members["roundTripMilliseconds"] = .number(roundTrip.milliseconds) }
        if let loss = quality.peerLossPercent { members["peerLossPercent"] = rounded(loss) }
        if let mos = quality.peerMOS { members["peerMOS"] = rounded(mos) }
        if let jitter = quality.peerJitter { members["peerJitterMilliseconds"] = .number(jitter.milliseconds) }
        if !quality.encryption.isEmpty { members["encryption"] = .string(quality.encryption) }
        if let source = quality.source { members["source"] = .string(source) }
        if let destination = quality.destination { members["destination"] = .string(destination) }
        if let callID = self.callID { members["callID"] = .string(callID) }
        let seconds = Double(length.milliseconds) / 1_000
        var text = String(
            format: "%.1f s, %@, MOS %.2f, received %d (%.1f %% lost), sent %d, jitter %d ms", seconds,
            quality.codec.isEmpty ? "no audio" : quality.codec, quality.mos, quality.received,
            quality.lossPercent, quality.sent, quality.jitter.milliseconds)
        if let roundTrip = quality.roundTrip { text += ", round trip \(roundTrip.milliseconds) ms" }
        if let mos = quality.peerMOS {
            text += String(format: "; there: MOS %.2f, %.1f %% lost", mos, quality.peerLossPercent ?? 0)
        }
        if !quality.encryption.isEmpty { text += "; \(quality.encryption)" }
        return Report("quality", members, text: text)
    }
}
