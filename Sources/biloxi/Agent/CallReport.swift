import BiloxiKit
import Foundation

/// What is printed of a call.
extension CallScript {
    static func report(_ event: CallEvent, _ output: Output) {
        switch event {
        case .progress(let status, let reason):
            output.emit(
                "progress", ["status": .number(status), "reason": .string(reason)], text: "\(status) \(reason)")
        case .answered: output.emit("answered", text: "answered")
        case .audioBegan(let source):
            output.emit("audio", ["from": .string(source)], text: "audio from \(source)")
        case .digit(let digit):
            output.emit(
                "digit", ["key": .string(String(digit.key)), "via": .string(digit.via.rawValue)],
                text: "key \(digit.key) (\(digit.via.rawValue))")
        case .heldByPeer: output.emit("held", text: "held by the other side")
        case .resumedByPeer: output.emit("resumed", text: "resumed by the other side")
        case .silent: output.emit("silent", text: "nothing is heard")
        case .oneWayAudio(let finding):
            var members: [String: JSONValue] = [
                "direction": .string(finding.isNothingHeard ? "in" : "out"), "reason": .string(finding.description),
            ]
            let addresses = [
                "described": finding.described, "source": finding.source, "destination": finding.destination,
                "elsewhere": finding.elsewhere,
            ]
            for (name, address) in addresses { if let address { members[name] = .string(address) } }
            output.emit("oneWayAudio", members, text: "one-way audio: \(finding)")
        case .transferRequested(let transfer):
            output.emit(
                "transferRequested", ["target": .string(transfer.target)],
                text: "asked to call \(transfer.target)")
        case .transferred(let peer):
            output.emit("transferred", ["to": .string(peer)], text: "the other side is \(peer) now")
        case .transferProgress(let status, let reason):
            output.emit(
                "transferProgress", ["status": .number(status), "reason": .string(reason)],
                text: "transfer: \(status) \(reason)")
        case .ended(let error):
            var members: [String: JSONValue] = ["reason": .string(error.reason), "code": .string(error.code.name)]
            if let status = error.status { members["status"] = .number(status) }
            if let callID = error.callID { members["callID"] = .string(callID) }
            output.emit("ended", members, text: "\(error)")
        }
    }

    static func report(_ quality: CallQuality, length: Duration, _ call: Call, _ output: Output) {
        func milliseconds(_ duration: Duration) -> Int {
            Int(duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000)
        }
        func rounded(_ value: Double) -> JSONValue { .decimal((value * 100).rounded() / 100) }
        var members: [String: JSONValue] = [
            "mos": rounded(quality.mos), "codec": .string(quality.codec), "received": .number(quality.received),
            "lost": .number(quality.lost), "lossPercent": rounded(quality.lossPercent), "sent": .number(quality.sent),
            "jitterMilliseconds": .number(milliseconds(quality.jitter)),
            "bufferMilliseconds": .number(milliseconds(quality.bufferDelay)),
            "heardMilliseconds": .number(milliseconds(quality.heard)),
            "lengthMilliseconds": .number(milliseconds(length)),
        ]
        if let roundTrip = quality.roundTrip { members["roundTripMilliseconds"] = .number(milliseconds(roundTrip)) }
        if let loss = quality.peerLossPercent { members["peerLossPercent"] = rounded(loss) }
        if let mos = quality.peerMOS { members["peerMOS"] = rounded(mos) }
        if let jitter = quality.peerJitter { members["peerJitterMilliseconds"] = .number(milliseconds(jitter)) }
        if !quality.encryption.isEmpty { members["encryption"] = .string(quality.encryption) }
        if let source = quality.source { members["source"] = .string(source) }
        if let destination = quality.destination { members["destination"] = .string(destination) }
        if let callID = call.callID { members["callID"] = .string(callID) }
        let seconds = Double(milliseconds(length)) / 1_000
        var text = String(
            format: "%.1f s, %@, MOS %.2f, received %d (%.1f %% lost), sent %d, jitter %d ms", seconds,
            quality.codec.isEmpty ? "no audio" : quality.codec, quality.mos, quality.received,
            quality.lossPercent, quality.sent, milliseconds(quality.jitter))
        if let roundTrip = quality.roundTrip { text += ", round trip \(milliseconds(roundTrip)) ms" }
        if let mos = quality.peerMOS {
            text += String(format: "; there: MOS %.2f, %.1f %% lost", mos, quality.peerLossPercent ?? 0)
        }
        if !quality.encryption.isEmpty { text += "; \(quality.encryption)" }
        output.emit("quality", members, text: text)
    }
}
