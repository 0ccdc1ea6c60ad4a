import BiloxiKit
import PhoneUI

/// What a session tells, as the screen of a telephone understands it.
struct PhoneNews {
    let session: RunSession

    /// An event of the session as events of the screen.
    func events(_ name: String, _ members: [String: JSONValue]) -> [PhoneEvent.AgentEvent] {
        func text(_ name: String) -> String { members[name]?.text ?? "" }
        func number(_ name: String) -> Int? { if case .number(let number)? = members[name] { number } else { nil } }
        let call = text("call")
        switch name {
        case "ready":
            guard case .array(let listen)? = members["listen"] else { return [] }
            return [.ready(listen: listen.compactMap(\.text))]
        case "incoming":
            return [
                .incoming(
                    call: call, from: text("from"), name: text("fromName"), callID: Self.callID(members["headers"]))
            ]
        case "progress":
            let said = [number("status").map { "\($0)" } ?? "", text("reason")].joined(separator: " ")
            return self.beginning(of: call) + [.progress(call: call, text: said)]
        case "answered": return self.beginning(of: call) + [.answered(call: call)]
        case "ended":
            let isOrdinary = ["ended", "cancelled"].contains(text("code"))
            let status = number("status").map { "\($0) " } ?? ""
            // "the call is over: hung up" is more than there is room for.
            let reason = status + (text("reason").split(separator: ": ").last.map(String.init) ?? "")
            return [
                .identified(call: call, callID: text("callID")),
                .ended(call: call, reason: reason, isOrdinary: isOrdinary),
            ]
        case "held", "resumed": return [.heldByPeer(call: call, name == "held")]
        case "digit": return text("key").first.map { [.key(call: call, $0)] } ?? []
        case "message":
            guard text("contentType").isEmpty || text("contentType").hasPrefix("text/") else {
                return [.notice("a message of \(text("contentType")) from \(text("from")), which is no text")]
            }
            return [.message(from: text("from"), text: text("text"))]
        case "transferRequested":
            return [.transferRequested(call: call, transfer: text("transfer"), target: text("target"))]
        case "transferred": return [.transferred(call: call, to: text("to"))] + self.identity(of: call)
        case "transferProgress":
            return [.noted(call: call, "transfer: " + (number("status").map { "\($0) " } ?? "") + text("reason"))]
        case "oneWayAudio": return [.noted(call: call, text("reason"))]
        case "silent": return [.noted(call: call, "nothing is heard")]
        case "registered": return [.account(text("account"), .registered(seconds: number("expires") ?? 0))]
        case "registrationFailed":
            let reason = (number("status").map { "\($0) " } ?? "") + text("reason")
            return [
                .account(text("account"), .failed(reason: reason, isRetried: members["retryAfterMilliseconds"] != nil))
            ]
        case "unregistered": return [.account(text("account"), .idle)]
        case "done": return [.done(id: text("id"), result: Self.lines(members))]
        case "failed":
            let warnings = if case .array(let all)? = members["warnings"] { all.compactMap(\.text) } else { [String]() }
            let status = number("status").map { "\($0) " } ?? ""
            let advice =
                text("code") == "authentication" ? ["wrong password or user name: A, + enters it anew"] : []
            let reason = ([status + text("reason")] + warnings + advice).joined(separator: "; ")
            return [.failed(id: text("id"), reason: reason)]
        case "error":
            return text("id").isEmpty ? [.notice(text("reason"))] : [.failed(id: text("id"), reason: text("reason"))]
        default: return []
        }
    }

    /// A call of ours that somebody else has begun, and its Call-ID.
    private func beginning(of name: String) -> [PhoneEvent.AgentEvent] {
        guard let call = try? self.session.entry(name).call else { return [] }
        let beginning = call.isOutgoing ? [PhoneEvent.AgentEvent.began(call: name, peer: call.peer)] : []
        return beginning + self.identity(of: name)
    }

    private func identity(of name: String) -> [PhoneEvent.AgentEvent] {
        guard let callID = try? self.session.entry(name).call?.callID else { return [] }
        return [.identified(call: name, callID: callID)]
    }

    private static func callID(_ headers: JSONValue?) -> String {
        guard case .object(let fields)? = headers else { return "" }
        let field = fields.first { ["call-id", "i"].contains($0.key.lowercased()) }
        if case .array(let values)? = field?.value { return values.first?.text ?? "" }
        return field?.value.text ?? ""
    }

    /// What a command has told, for people: a line for each member.
    private static func lines(_ members: [String: JSONValue]) -> [String] {
        members.filter { !["do", "id", "number"].contains($0.key) }.sorted { $0.key < $1.key }.flatMap { name, value in
            if case .array(let values) = value { return ["\(name):"] + values.map { "  " + Self.shown($0) } }
            return ["\(name): \(Self.shown(value))"]
        }
    }

    private static func shown(_ value: JSONValue) -> String { value.text ?? value.line }
}

extension PhoneCommand {
    /// As a session takes it.
    func arguments() throws(RunProblem) -> RunArguments {
        var members = self.members.mapValues { value -> JSONValue in
            switch value {
            case .text(let text): .string(text)
            case .texts(let texts): .array(texts.map { .string($0) })
            case .number(let number): .number(number)
            case .flag(let flag): .boolean(flag)
            case .headers(let fields): .object(fields.mapValues { .string($0) })
            }
        }
        (members["do"], members["id"]) = (.string(self.verb), .string(self.id))
        var id: JSONValue?
        return try RunArguments(members, id: &id)
    }
}

extension PhoneVerb {
    /// The verbs of a session, for the line of commands.
    static var all: [PhoneVerb] {
        RunVerb.all.filter { $0.name != "expect" && $0.name != "help" }.map { verb in
            PhoneVerb(
                verb.name, help: verb.help,
                verb.keys.map { key in
                    let kind: Member.Kind =
                        switch key.kind {
                        case .text, .time: .text
                        case .number: .number
                        case .flag: .flag
                        case .texts: .texts
                        case .headers: .headers
                        case .object: .object
                        }
                    return Member(key.name, kind, isRequired: key.isRequired, help: key.help)
                })
        }
    }
}

extension PhoneTrace {
    /// A message as the ladder shows it.
    init(_ message: TracedMessage) {
        let text = message.textWithoutSecrets
        // By scalars: CR LF is one character.
        let lines = text.unicodeScalars.split(whereSeparator: { $0 == "\r" || $0 == "\n" }).prefix(200)
        var callID = ""
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = String(line[..<colon]).lowercased().filter { $0 != " " }
            guard name == "call-id" || name == "i" else { continue }
            callID = String(String(line[line.index(after: colon)...]).drop { $0 == " " })
            break
        }
        let label = message.label.replacing(" (INVITE)", with: "")
        self.init(
            isSent: message.isSent, time: message.time, label: label, status: message.status,
            peer: "\(message.transport):\(message.peer)", callID: callID, text: text)
    }
}
