import ArgumentParser
import SIPMessages
import ServerConfiguration
import ServerCore
import SignallingTransport

/// `biloxi bans`
struct Bans: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show which sources are kept out, and let one in again.",
        discussion: """
            A source that sends too many wrong passwords or malformed messages is banned when it has proved that it is \
            where it says: by a connection, or by answering a challenge that was sent there. Over UDP, where its address \
            may be forged, it is limited to a few messages a second else. The limits are those of bans in the \
            configuration.
            """)

    @Option(help: ArgumentHelp("Let this source in again, and forget what it has done.", valueName: "address"))
    var lift: String?

    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        if let lift = self.lift, IPAddress(lift) == nil {
            throw CommandError(.usage, "--lift \(lift): no IPv4 or IPv6 address")
        }
        let settings = self.common.settings()
        let path = settings.dataPath(of: try settings.loadOrFail().configuration)
        let client = ControlClient(path: path + "/control.sock")
        guard let reply = try client.send(ControlRequest(request: .bans, address: self.lift)) else {
            throw CommandError(
                .unreachable, "no server runs on \(path): start one with biloxi serve, or name its --data")
        }
        guard reply.ok else { throw CommandError(.failed, reply.messages.joined(separator: "\n")) }
        if let lift = self.lift {
            return self.common.output.emit("lifted", ["source": .string(lift)], text: "\(lift) is let in again")
        }
        guard case .array(let bans)? = reply.status?["bans"] else { return }
        for (ban, line) in zip(bans, reply.messages) {
            guard case .object(let members) = ban else { continue }
            self.common.output.emit("ban", members, text: line)
        }
        if bans.isEmpty { self.common.output.emit("none", [:], text: "nobody is kept out") }
    }
}

extension RunningServer {
    /// The sources that are kept out, and lets one of them in again.
    func bans(lifting source: String?) -> ControlReply {
        if let source {
            guard let address = IPAddress(source) else {
                return ControlReply(ok: false, messages: ["\(source) is no IPv4 or IPv6 address"])
            }
            let wasThere = self.signalling.liftSanction(of: address)
            return ControlReply(ok: wasThere, messages: wasThere ? [] : ["\(source) is not kept out"])
        }
        var (lines, bans): ([String], [JSONValue]) = ([], [])
        for (sanctioned, rest) in self.signalling.sanctionedSources {
            let source = sanctioned.source.isIPv6 ? "\(sanctioned.source)/64" : "\(sanctioned.source)"
            let seconds = Int(rest.nanoseconds / 1_000_000_000)
            lines.append("\(source) \(sanctioned.sanction) for \(seconds) s more: \(sanctioned.offence.text)")
            bans.append(
                .object([
                    "source": .string(source), "sanction": .string("\(sanctioned.sanction)"),
                    "offence": .string(sanctioned.offence.text), "seconds": .number(seconds),
                ]))
        }
        return ControlReply(ok: true, messages: lines, status: ["bans": .array(bans)])
    }
}
