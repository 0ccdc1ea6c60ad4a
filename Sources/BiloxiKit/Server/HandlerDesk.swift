import SIPMessages
import ServerCore
import SignallingTransport
import Synchronization

/// Runs the handlers of a server, a child task for each request.
final class HandlerDesk: Sendable {
    /// The server; it is there before the first question.
    let server = Mutex<SignallingServer?>(nil)
    private let handlers: [String: SIPServer.Handler]
    private let middleware: [any Middleware]
    private let patience: Duration
    private let questions = Channel<HandlerQuestion>(limit: 100_000)
    private let waiting = Mutex<[Key: Promise<Void>]>([:])

    /// A question by its shard and number.
    private struct Key: Hashable, Sendable {
        let shard: Int
        let number: UInt64

        init(_ question: HandlerQuestion) { (self.shard, self.number) = (question.shard, question.number) }
    }

    init(_ handlers: [String: SIPServer.Handler], _ middleware: [any Middleware], patience: Duration) {
        (self.handlers, self.middleware, self.patience) = (handlers, middleware, patience)
    }

    /// Takes a question; any thread may call it.
    func ask(_ question: HandlerQuestion) {
        switch question.kind {
        case .decide:
            self.waiting.withLock { $0[Key(question)] = Promise() }
            self.questions.send(question)
        case .withdrawn: self.waiting.withLock { $0[Key(question)] }?.keep(())
        }
    }

    func close() { self.questions.close() }

    /// Answers questions until the task is cancelled.
    func serve() async {
        await withDiscardingTaskGroup { group in
            while let question = await self.questions.next() {
                group.addTask { await self.answer(question) }
            }
            group.cancelAll()
        }
    }

    private func answer(_ question: HandlerQuestion) async {
        guard case .decide(let octets, let source, let user) = question.kind,
            let withdrawal = self.waiting.withLock({ $0[Key(question)] }), let server = self.server.withLock({ $0 })
        else { return }
        defer { self.waiting.withLock { _ = $0.removeValue(forKey: Key(question)) } }
        let context = ServerContext(server: server)
        let decision = await withTaskGroup(of: HandlerDecision?.self) { group in
            group.addTask {
                guard let request = Request(octets, from: source, user: user) else {
                    return .reply(400, "Malformed Request", fields: [])
                }
                return await self.decision(on: request, context)
            }
            group.addTask {
                try? await Task.sleep(for: self.patience)
                return .reply(500, "Nobody Decided In Time", fields: [])
            }
            group.addTask {
                await withdrawal.value()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        if let decision { server.decide(decision, shard: question.shard, number: question.number) }
    }

    private func decision(on request: Request, _ context: ServerContext) async -> HandlerDecision {
        do {
            return HandlerDecision(try await self.route(request, context, from: 0))
        } catch let error as SIPError {
            return .reply(UInt16(clamping: error.status ?? 500), error.reason, fields: [])
        } catch {
            return .reply(500, "Handler Failed", fields: [])
        }
    }

    /// What the middleware from a number on decides, and the handler after it.
    private func route(_ request: Request, _ context: ServerContext, from number: Int) async throws -> Route {
        guard number < self.middleware.count else {
            guard let handler = self.handlers[request.method] else { return .relay }
            return try await handler(request, context)
        }
        return try await self.middleware[number].handle(request, context) { request, context in
            try await self.route(request, context, from: number + 1)
        }
    }
}

extension HandlerDecision {
    fileprivate init(_ route: Route) {
        switch route {
        case .relay: self = .relay
        case .answered(let status, let reason, let fields):
            // A handler's answer is final: what is none is its mistake.
            guard (200...699).contains(status) else {
                self = .reply(500, "Handler Answered \(status)", fields: [])
                return
            }
            let phrase = reason.isEmpty ? StatusCode(UInt16(status)).reasonPhrase : reason
            let lines = fields.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)".onOneLine + "\r\n" }
            self = .reply(UInt16(status), phrase, fields: Array(lines.joined().utf8))
        case .forked(let groups, let each):
            var targets: [[Target]] = []
            for group in groups {
                var uris: [Target] = []
                for address in group {
                    guard let uri = try? Account.uri(address, "the target") else {
                        self = .reply(500, "Handler Named No Address", fields: [])
                        return
                    }
                    uris.append(.uri(Array(uri.description.utf8)))
                }
                targets.append(uris)
            }
            self = .targets(targets, each: each.map { TimeSpan(nanoseconds: $0.nanoseconds) })
        }
    }
}

extension String {
    /// Without line ends, which would end a header line.
    fileprivate var onOneLine: String {
        String(String.UnicodeScalarView(self.unicodeScalars.map { $0 == "\r" || $0 == "\n" ? " " : $0 }))
    }
}
