import ArgumentParser
import BiloxiKit
import Foundation

/// `biloxi send`
struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send a message of your own making, and show what comes back.",
        discussion: """
            In the file {{branch}}, {{tag}}, {{call-id}}, {{local}} (our address and port), {{transport}}, {{target}} and \
            {{target-host}} are filled in. Unless --raw is given, line ends become CR LF, and Via, Max-Forwards, Call-ID, \
            CSeq and Content-Length are added where they are missing. It is sent once: nothing is repeated, and nothing is \
            acknowledged. Exit code 5 when nothing came back.
            """)

    @Argument(help: "The file; - is standard input.")
    var file: String

    @Option(help: ArgumentHelp("Where to send it: sip:192.0.2.1:5060;transport=tcp.", valueName: "uri"))
    var to: String

    @Flag(help: "Send it as it is.")
    var raw = false

    @Option(help: ArgumentHelp("How long to wait for what comes back.", valueName: "time"))
    var timeout = TimeOption(.seconds(5))

    @OptionGroup var options: AgentOptions

    mutating func run() async throws {
        let (options, raw, timeout) = (self.options, self.raw, self.timeout)
        let content =
            self.file == "-"
            ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: self.file)
        guard let content else { throw CommandError(.usage, "\(self.file) cannot be read") }
        let uri = try options.reached(self.to, isFirstHop: true)
        try await AgentRun.run(options, as: nil) { agent in
            let way = try await agent.way(to: uri)
            let message = raw ? Array(content) : MessageTemplate(content, way, target: uri).octets
            let answers = try agent.send(message, over: way)
            let isRequest = !message.starts(with: Array("SIP/2.0".utf8))
            options.output.emit(
                "sent", ["octets": .number(message.count), "to": .string(way.description)],
                text: "sent \(message.count) octets to \(way)")
            let deadline = ContinuousClock.now + timeout.duration
            var count = 0
            while let answer = await answers.next(before: deadline) {
                count += 1
                options.output.emit(
                    "received", ["from": .string(answer.peer), "text": .string(answer.text)],
                    text: TextLadder.text(of: answer))
                if answer.text.hasPrefix("SIP/2.0 "), !answer.text.hasPrefix("SIP/2.0 1") { break }
            }
            if count == 0, isRequest {
                throw CommandError(.timeout, "nothing came back from \(way) in \(timeout.duration)")
            }
        }
    }
}

/// A message with what it leaves out.
struct MessageTemplate {
    let octets: [UInt8]

    init(_ content: Data, _ way: UserAgent.Way, target: String) {
        func random() -> String { String(UInt64.random(in: 0...(.max)), radix: 36) }
        var text = String(decoding: content, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
        let local = way.local
        let bare = target.hasPrefix("sip:") || target.hasPrefix("sips:") ? target : "sip:\(target)"
        let values = [
            "branch": "z9hG4bK\(random())", "tag": random(), "call-id": random(), "local": local,
            "transport": way.transport, "target": bare, "target-host": way.peer,
        ]
        for (name, value) in values { text = text.replacingOccurrences(of: "{{\(name)}}", with: value) }
        var parts = text.components(separatedBy: "\n\n")
        let head = parts.removeFirst().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let body = Array(parts.joined(separator: "\n\n").replacingOccurrences(of: "\n", with: "\r\n").utf8)
        var lines = head.filter { !$0.isEmpty }
        func has(_ names: String...) -> Bool {
            lines.dropFirst().contains { line in
                names.contains(line.prefix { $0 != ":" && $0 != " " }.lowercased())
            }
        }
        if let start = lines.first, !start.hasPrefix("SIP/2.0") {
            let method = start.split(separator: " ").first.map(String.init) ?? "OPTIONS"
            var added: [String] = []
            if !has("via", "v") {
                added.append(
                    "Via: SIP/2.0/\(way.transport.uppercased()) \(local);rport;branch=z9hG4bK\(random())")
            }
            if !has("max-forwards") { added.append("Max-Forwards: 70") }
            if !has("from", "f") { added.append("From: <sip:biloxi@\(local)>;tag=\(random())") }
            if !has("to", "t") { added.append("To: <\(bare)>") }
            if !has("call-id", "i") { added.append("Call-ID: \(random())") }
            if !has("cseq") { added.append("CSeq: 1 \(method)") }
            lines.insert(contentsOf: added, at: 1)
        }
        if !has("content-length", "l") { lines.append("Content-Length: \(body.count)") }
        self.octets = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }
}
