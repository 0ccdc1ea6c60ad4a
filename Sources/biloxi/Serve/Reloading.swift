import Logging
import ServerConfiguration

/// Reads the configuration again for a running server: all of it holds, or nothing of it.
enum Reloading {
    /// - Returns: The new configuration, `nil` when it is wrong; and the answer to whoever asked.
    static func read(
        _ settings: ServerSettings, current: Configuration, logger: Logger
    ) -> (Configuration?, ControlReply) {
        let messages: [String]
        do {
            let loaded = try settings.load()
            let unreadable = loaded.unreadableFiles()
            if unreadable.isEmpty {
                let fixed = Self.needingRestart(from: current, to: loaded.configuration)
                var notes = loaded.warnings.map { "warning: \($0)" }
                if !fixed.isEmpty {
                    notes.append("these hold when the server is started again: \(fixed.joined(separator: ", "))")
                }
                logger.info("configuration reloaded", metadata: notes.isEmpty ? nil : ["notes": "\(notes)"])
                return (loaded.configuration, ControlReply(ok: true, messages: notes))
            }
            messages = unreadable.map(\.description)
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
        if old.data != new.data { keys.append("data") }
        if old.storage != new.storage { keys.append("storage") }
        if old.connections != new.connections { keys.append("connections") }
        if old.threads != new.threads { keys.append("threads") }
        if old.http != new.http { keys.append("http") }
        return keys
    }
}
