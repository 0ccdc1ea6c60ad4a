import BiloxiKit

extension RunVerb {
    static let sessionVerbs: [RunVerb] = [
        RunVerb(
            "wait", [RunKey("for", .time, required: true, "how long")], "lets time pass before the next command",
            holds: true
        ) { _, _, arguments in
            try await Task.sleep(for: arguments.time("for") ?? .zero)
            return [:]
        },
        RunVerb(
            "expect",
            [
                RunKey("event", .text, required: true, "its name"),
                RunKey("call", .text, "of which call"),
                RunKey("where", .object, "members that it must have, with their values"),
                RunKey("within", .time, "how long to wait for it, 10 s unless given"),
            ],
            "waits for an event before the next command; the oldest that fits is taken, and each is taken once",
            done: "event: the event with its members", holds: true
        ) { session, _, arguments in
            let name = arguments.text("event") ?? ""
            var wanted: [String: JSONValue] = ["event": .string(name)]
            if case .object(let members)? = arguments["where"] { wanted.merge(members) { $1 } }
            if let call = arguments.text("call") { wanted["call"] = .string(call) }
            let limit = arguments.time("within") ?? .seconds(10)
            let found = try await session.expect(within: limit) { [wanted] event in
                wanted.allSatisfy { event[$0.key] == $0.value }
            }
            guard let found else {
                session.disappointed()
                throw CommandError(.mediaExpectation, "no such event came in \(limit)")
            }
            return ["met": .object(found)]
        },
        RunVerb(
            "stop", [RunKey("command", .text, required: true, "its id, as a text")],
            "stops a command that is not done: it fails with the code stopped", done: "count: how many there were"
        ) { session, _, arguments in
            let id = arguments.text("command") ?? ""
            var count = session.stop(.string(id))
            if let number = Int(id) { count += session.stop(.number(number)) }
            return ["count": .number(count)]
        },
        RunVerb(
            "trace", [RunKey("on", .flag, required: true, "whether from now on")],
            "tells of each SIP message by the event traced, without credentials"
        ) { session, _, arguments in
            session.showsMessages = arguments.flag("on")
            return [:]
        },
        RunVerb(
            "status", [], "says what goes on", done: "calls: [{call, state, peer, held}], accounts, listen"
        ) { session, agent, _ in
            [
                "calls": .array(session.calls), "accounts": .array(session.accounts),
                "listen": .array(agent.addresses.map { .string($0) }),
            ]
        },
        RunVerb("help", [], "describes all verbs", done: "verbs: [{verb, help, keys, done}]") { _, _, _ in
            ["verbs": .array(RunVerb.all.map(\.described))]
        },
        RunVerb("end", [], "ends as the end of the input does: calls are hung up, registrations removed") {
            session, _, _ in
            session.beginEnding()
            return [:]
        },
    ]
}
