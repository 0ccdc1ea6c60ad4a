import Foundation
import Logging
import Persistence
import ServerConfiguration
import SignallingTransport

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
    let manager = ServiceManager()
    var current = loaded.configuration
    let directory = try withExitStatus { try DataDirectory(path: options.settings.dataPath(of: current)) }
    let lock = try withExitStatus { try directory.lockForServer() }
    defer { withExtendedLifetime(lock) {} }
    let database = try withExitStatus { try ServerDatabase(path: directory.databasePath) }
    let firstRun = try withExitStatus {
        try FirstRun(current, hasFile: options.settings.configPath != nil, database: database)
    }
    let key = try ServerKey(in: directory)
    let (server, operations, events): (RunningServer, Operations, ServerEvents)
    do {
        server = try withExitStatus {
            try RunningServer(current, database: database, directory: directory, key: key, logger: logger)
        }
        operations = try await Operations(current, server)
        events = try ServerEvents(controlSocketPath: directory.controlSocketPath)
        try withExitStatus { try server.start() }
    } catch {
        firstRun?.withdraw(from: database)
        throw error
    }
    defer { server.stop() }
    defer { events.stop() }
    let started = ContinuousClock.now

    firstRun?.announce(current, listeners: server.listeners, to: options.output)
    var ready: [String: JSONValue] = [
        "listen": .array(server.listeners.map { .string($0) }), "data": .string(directory.path),
        "domains": .array(current.domains.map { .string($0) }), "pid": .number(Int(getpid())),
    ]
    if let address = operations.address { ready["http"] = .string(address) }
    options.output.emit("ready", ready, text: "ready")
    manager.tell(.ready)
    let watching = manager.watch { server.signalling.pulse($0) }
    defer { watching?.cancel() }

    var stopSignal: Int32?
    for await event in events.stream {
        switch event {
        case .stop(let signal):
            guard stopSignal == nil else {
                // Asked once more: what is in progress is given up.
                events.end()
                continue
            }
            logger.info("stopping", metadata: ["signal": "\(signal)", "grace": "\(current.shutdown)"])
            stopSignal = signal
            manager.tell(.stopping)
            operations.beginStopping()
            server.beginStopping()
            let grace = current.shutdown
            Task {
                await wait(until: { server.isIdle }, atMost: grace)
                events.end()
            }
        case .request(_, let reply) where stopSignal != nil:
            reply(ControlReply(ok: false, messages: ["the server is stopping"]))
        case .request(.reload, let reply):
            manager.tell(.reloading(SystemClock.now()))
            let (next, answer) = Reloading.read(
                options.settings, running: loaded.configuration, logger: logger, makeSettings: server.currentSettings)
            if let next {
                LogLines.level.store(Logger.Level(next.configuration.logLevel))
                current = next.configuration
                server.apply(current, next.settings)
            }
            manager.tell(.ready)
            reply(answer)
        case .request(.usersChanged, let reply):
            do {
                server.apply(current, try server.currentSettings(current))
                let count = try database.subscribers().count
                logger.info("users changed", metadata: ["users": "\(count)"])
                reply(ControlReply(ok: true))
            } catch {
                reply(ControlReply(ok: false, messages: ["\(error)"]))
            }
        case .routeAsked(let question, let reply): reply(server.explain(question, current))
        case .bansAsked(let source, let reply): reply(server.bans(lifting: source))
        case .request(.bans, let reply): reply(server.bans(lifting: nil))
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
    if !server.isIdle {
        server.giveUp()
        await wait(until: { server.isIdle }, atMost: .seconds(1))
    }
    await operations.stop()
    if stopSignal == SIGINT { throw CommandError(.interrupted) }
}

/// Waits until something holds.
private func wait(until condition: () -> Bool, atMost patience: Duration) async {
    let deadline = ContinuousClock.now.advanced(by: patience)
    while ContinuousClock.now < deadline, !condition() { try? await Task.sleep(for: .milliseconds(20)) }
}
