import CallRecords
import SIPMessages

/// A record of a call as a line of text, an object, and a line of comma-separated values.
enum CallColumns {
    private static func string(_ octets: [UInt8]) -> String { String(decoding: octets, as: UTF8.self) }

    /// All parts by name, in their order; parts that are not known are `null`.
    private static func parts(_ record: CallRecord) -> [(name: String, value: JSONValue)] {
        func text(_ octets: [UInt8]) -> JSONValue { octets.isEmpty ? .null : .string(Self.string(octets)) }
        func time(_ moment: Int64?) -> JSONValue { moment.map { .string(CallTime.text($0)) } ?? .null }
        return [
            ("started", time(record.started)), ("rang", time(record.rang)), ("answered", time(record.answered)),
            ("ended", time(record.ended)), ("durationMilliseconds", .number(Int(record.duration))),
            ("ending", .string(record.ending.rawValue)), ("status", .number(Int(record.status))),
            ("reason", text(record.reason)), ("caller", text(record.caller)), ("callee", text(record.callee)),
            ("callID", text(record.callID)), ("fromTag", text(record.fromTag)), ("toTag", text(record.toTag)),
            ("target", text(record.target)), ("branch", text(record.branch)),
            ("source", .string("\(record.source)")),
            ("answeredBy", record.answeredBy.map { .string("\($0)") } ?? .null),
            ("transport", .string("\(record.transport)")),
        ]
    }

    /// The members of the object for `--json`.
    static func members(_ record: CallRecord) -> [String: JSONValue] {
        Dictionary(Self.parts(record).map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// The first line of `--csv`.
    static var header: String {
        let names = Self.parts(
            CallRecord(
                started: 0, ended: 0, ending: .failed, status: 0, caller: [], callee: [], callID: [], fromTag: [],
                source: .init(.loopback, 0), transport: .udp)
        ).map(\.name)
        return names.joined(separator: ",") + "\r\n"
    }

    /// A line of `--csv`, with its line end (RFC 4180 §2).
    static func csv(_ record: CallRecord) -> String {
        Self.parts(record).map { part in
            switch part.value {
            case .string(let text): Self.quoted(text)
            case .number(let number): String(number)
            case .decimal(let number): String(number)
            case .null, .boolean, .array, .object: ""
            }
        }.joined(separator: ",") + "\r\n"
    }

    /// A field as it stands in CSV. Peers choose what is in it: what a spreadsheet would take for a formula gets an
    /// apostrophe.
    private static func quoted(_ text: String) -> String {
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
        let safe = isFormula ? "'" + text : text
        guard safe.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return safe }
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }

    /// One line for people: `2026-01-31T12:00:00.000Z  62 s  sip:alice@a.test > sip:bob@b.test  200, the caller hung up`.
    static func text(_ record: CallRecord) -> String {
        let length = record.answered == nil ? "-" : "\((record.duration + 500) / 1000) s"
        let words =
            "\(CallTime.text(record.started))  \(length)  \(Self.string(record.caller)) > "
            + "\(Self.string(record.callee))  \(record.status == 0 ? "" : "\(record.status), ")\(Self.words(record))"
        // One line, whatever a peer put into it.
        return String(String.UnicodeScalarView(words.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
    }

    private static func words(_ record: CallRecord) -> String {
        switch record.ending {
        case .callerHungUp: "the caller hung up"
        case .calleeHungUp: "the callee hung up"
        case .cancelled: "the caller gave up"
        case .failed: "not answered"
        case .sessionExpired: "the session was not refreshed"
        case .lost: "no end was seen"
        case .serverStopped: "the server was stopped"
        case .serverRestarted: "the server was restarted"
        default: record.ending.rawValue
        }
    }
}
