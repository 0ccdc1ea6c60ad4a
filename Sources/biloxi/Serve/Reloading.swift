import Logging
import SIPMessages
import ServerConfiguration
import ServerCore

/// Reads the configuration again for a running server: all of it holds, or nothing of it.
enum Reloading {
    /// What a running server goes on with.
    struct Accepted {
        var configuration: Configuration
        var settings: ServerCore.ServerSettings
    }

    /// - Parameters:
    ///   - settings: From where it is read.
    ///   - running: The configuration that the server was started with.
    ///   - makeSettings: What the server is by a configuration; throws where something that it names is of no use.
    /// - Returns: What holds now, `nil` when the new configuration is wrong; and the answer to whoever asked.
    static func read(
        _ settings: ServerSettings, running: Configuration, logger: Logger,
        makeSettings: (Configuration) throws -> ServerCore.ServerSettings
    ) -> (Accepted?, ControlReply) {
        let messages: [String]
        do {
            let loaded = try settings.load()
            let useless = loaded.uselessFiles()
            if useless.isEmpty {
                let accepted = Accepted(
                    configuration: loaded.configuration, settings: try makeSettings(loaded.configuration))
                let fixed = Self.needingRestart(from: running, to: loaded.configuration)
                var notes = loaded.warnings.map { "warning: \($0)" }
                if !fixed.isEmpty {
                    notes.append("these hold when the server is started again: \(fixed.joined(separator: ", "))")
                }
                logger.info("configuration reloaded", metadata: notes.isEmpty ? nil : ["notes": "\(notes)"])
                return (accepted, ControlReply(ok: true, messages: notes))
            }
            messages = useless.map(\.description)
        } catch let error as CommandError {
            messages = [error.message]
        } catch let error as ConfigurationError {
            messages = error.problems.map(\.description)
        } catch {
            messages = ["\(error)"]
        }
        logger.error("configuration kept: the new one is wrong", metadata: ["problems": "\(messages)"])
        return (nil, ControlReply(ok: false, messages: messages))
    }

    /// The keys that a running server cannot change.
    static func needingRestart(from old: Configuration, to new: Configuration) -> [String] {
        var keys: [String] = []
        if old.listen != new.listen { keys.append("listen") }
        if old.advertise != new.advertise { keys.append("advertise") }
        if old.data != new.data { keys.append("data") }
        if old.storage != new.storage { keys.append("storage") }
        if old.tls != new.tls { keys.append("tls") }
        // The pages of the domains may connect by WebSocket.
        let hasOtherPages =
            old.domains != new.domains && new.connections.origins.contains("own")
            && new.listen.contains { $0.transport == .ws || $0.transport == .wss }
        if old.connections != new.connections || hasOtherPages { keys.append("connections") }
        if old.threads != new.threads { keys.append("threads") }
        if old.segmentation != new.segmentation { keys.append("segmentation") }
        if old.http != new.http { keys.append("http") }
        return keys
    }
}
