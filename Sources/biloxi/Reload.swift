import ArgumentParser
import Persistence
import ServerConfiguration

/// `biloxi reload`
struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the running server read its configuration again.",
        discussion: "A file with an error is explained, and the server goes on as it was. SIGHUP does the same.")

    @OptionGroup var common: CommonOptions

    mutating func run() throws {
        let settings = self.common.settings()
        // A broken file must not keep us from the server that can explain it: then --data says where that is.
        let configuration =
            if self.common.data == nil { try settings.loadOrFail().configuration } else {
                try ServerSettings(configPath: nil, overrides: settings.overrides).loadOrFail().configuration
            }
        let path = settings.dataPath(of: configuration)
        let client = ControlClient(path: path + "/control.sock")
        guard let reply = try client.send(.reload) else {
            throw CommandError(
                .unreachable, "no server runs on \(path): start one with biloxi serve, or name its --data")
        }
        if !reply.ok {
            throw CommandError(
                .failed, "the server keeps its configuration:\n" + reply.messages.joined(separator: "\n"))
        }
        self.common.output.emit(
            "reloaded", ["messages": .array(reply.messages.map { .string($0) })],
            text: (["reloaded"] + reply.messages).joined(separator: "\n"))
    }
}
