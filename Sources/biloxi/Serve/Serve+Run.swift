import Foundation
import Logging
import Persistence
import ServerConfiguration

/// Runs a server until SIGTERM or SIGINT.
///
/// Takes the data directory, brings the database up to date, makes the first users, and answers the control socket.
///
/// - Parameters:
///   - configuration: What holds at first.
///   - options: What stays the same when the configuration is read again.
/// - Throws: `CommandError`: of status `interrupted` after SIGINT.
func runServer(configuration loaded: LoadedConfiguration, options: ServeOptions) async throws {
    let logger = Logger(label: "serve")
    var current = loaded.configuration
    let directory = try withExitStatus { try DataDirectory(path: options.settings.dataPath(of: current)) }
    let lock = try withExitStatus { try directory.lockForServer() }
    defer { withExtendedLifetime(lock) {} }
    let database = try withExitStatus { try ServerDatabase(path: directory.databasePath) }
    let firstRun = try withExitStatus {
        try FirstRun(current, hasFile: options.settings.configPath != nil, database: database)
    }
    let key = try ServerKey(in: directory)
    let server = try withExitStatus {
        try RunningServer(current, database: database, directory: directory, key: key, logger: logger)
    }
    try withExitStatus { try server.start() }
    defer { server.stop() }
    let events = try ServerEvents(controlSocketPath: directory.controlSocketPath)
    defer { events.stop() }
    let started = ContinuousClock.now

    firstRun?.announce(current, to: options.output)
    options.output.emit(
        "ready",
        [
            "listen": .array(current.listen.map { .string("\($0)") }), "data": .string(directory.path),
            "domains": .array(current.domains.map { .string($0) }), "pid": .number(Int(getpid())),
        ], text: "ready")

    for await event in events.stream {
        switch event {
        case .stop(let signal):
            logger.info("stopping", metadata: ["signal": "\(signal)"])
            if signal == SIGINT { throw CommandError(.interrupted) }
            return
        case .request(.reload, let reply):
            let (next, answer) = Reloading.read(options.settings, current: current, logger: logger)
            if let next {
                LogLines.level.store(Logger.Level(next.logLevel))
                current = next
                try server.apply(next)
            }
            reply(answer)
        case .request(.usersChanged, let reply):
            do {
                try server.apply(current)
                let count = try database.subscribers().count
                logger.info("users changed", metadata: ["users": "\(count)"])
                reply(ControlReply(ok: true))
            } catch {
                reply(ControlReply(ok: false, messages: ["\(error)"]))
            }
        case .routeAsked(let question, let reply): reply(server.explain(question, current))
        case .request(.route, let reply):
            reply(
                ControlReply(
                    ok: false, messages: ["route asks for a URI: {\"request\":\"route\",\"route\":{\"uri\":…}}"]))
        case .request(.status, let reply):
            let uptime = started.duration(to: .now).components.seconds
            reply(
                ControlReply(
                    ok: true,
                    status: [
                        "version": .string(Biloxi.version), "pid": .number(Int(getpid())),
                        "uptime": .number(Int(uptime)),
                        "users": .number((try? database.subscribers().count) ?? 0),
                        "domains": .array(current.domains.map { .string($0) }),
                    ]))
        }
    }
}
