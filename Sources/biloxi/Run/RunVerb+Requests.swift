import BiloxiKit
import Foundation

extension RunVerb {
    static let requestVerbs: [RunVerb] = [
        RunVerb(
            "message",
            [
                RunKey("uri", .text, "whom it is for"), RunKey("call", .text, "the call in which it is sent"),
                RunKey("text", .text, required: true, "the message"),
                RunKey("contentType", .text, "what the text is, text/plain unless given"),
                RunKey("account", .text, "who sends it; the first account unless given"),
            ], "sends a message, outside of calls or in one; done when it is taken",
            done: "status, where it is outside of calls"
        ) { session, agent, arguments in
            let (text, type) = (arguments.text("text") ?? "", arguments.text("contentType") ?? "text/plain")
            switch (arguments.text("uri"), arguments.text("call")) {
            case (let uri?, nil):
                let response = try await agent.message(uri, text, contentType: type, as: arguments.text("account"))
                return ["status": .number(response.status)]
            case (nil, let call?):
                try await session.call(call).message(text, contentType: type)
                return [:]
            default: throw RunProblem("\"message\" needs \"uri\" or \"call\", and not both")
            }
        },
        RunVerb(
            "options",
            [
                RunKey("uri", .text, required: true, "whom to ask"),
                RunKey("account", .text, "who asks; the first account unless given"),
                RunKey("timeout", .time, "how long to wait, 5 s unless given"),
            ], "asks what someone can (OPTIONS); any response will do",
            done: "status, reason, milliseconds, product, allow, supported, accept"
        ) { _, agent, arguments in
            let start = ContinuousClock.now
            let limit = arguments.time("timeout") ?? .seconds(5)
            let (uri, account) = (arguments.text("uri") ?? "", arguments.text("account"))
            guard let response = try await PingCommand.ask(agent, uri, as: account, limit) else {
                throw SIPError(.timeout, "no answer in \(limit)")
            }
            return PingCommand.members(response, milliseconds: (ContinuousClock.now - start).exactMilliseconds)
        },
        RunVerb(
            "request",
            [
                RunKey("method", .text, required: true, "any that belongs to no call: PUBLISH, OPTIONS, …"),
                RunKey("uri", .text, required: true, "the Request-URI"),
                RunKey("to", .text, "who stands in To, where it is not that"),
                RunKey("headers", .headers, "more header lines"), RunKey("text", .text, "the body"),
                RunKey("contentType", .text, "what the body is"),
                RunKey("account", .text, "who sends it; the first account unless given"),
            ], "sends a request of one's own; any final response will do", done: "status, reason, headers, text"
        ) { _, agent, arguments in
            let response = try await agent.request(
                arguments.text("method") ?? "", arguments.text("uri") ?? "", as: arguments.text("account"),
                to: arguments.text("to"), fields: arguments.headers, body: Array((arguments.text("text") ?? "").utf8),
                contentType: arguments.text("contentType"))
            return [
                "status": .number(response.status), "reason": .string(response.reason),
                "headers": response.message.fields, "text": .string(String(decoding: response.body, as: UTF8.self)),
            ]
        },
        RunVerb(
            "send",
            [
                RunKey("to", .text, required: true, "where to: sip:192.0.2.1:5060;transport=tcp"),
                RunKey("text", .text, required: true, "the message; what it leaves out is added, as by biloxi send"),
                RunKey("raw", .flag, "whether it goes as it is"),
                RunKey("timeout", .time, "how long to look for what comes back, 5 s unless given"),
            ], "sends octets as a message, once; event received tells each that comes back, until a final response",
            done: "octets, count: how many came back"
        ) { session, agent, arguments in
            let (uri, text) = (arguments.text("to") ?? "", arguments.text("text") ?? "")
            let way = try await agent.way(to: uri)
            let octets =
                arguments.flag("raw")
                ? Array(text.utf8) : MessageTemplate(Data(text.utf8), way, target: uri).octets
            let answers = try agent.send(octets, over: way)
            let deadline = ContinuousClock.now + (arguments.time("timeout") ?? .seconds(5))
            var count = 0
            while let answer = await answers.next(before: deadline) {
                count += 1
                var members: [String: JSONValue] = ["from": .string(answer.peer), "text": .string(answer.text)]
                members["id"] = arguments.id
                session.emit("received", members)
                if answer.text.hasPrefix("SIP/2.0 "), !answer.text.hasPrefix("SIP/2.0 1") { break }
            }
            try Task.checkCancellation()
            return ["octets": .number(octets.count), "count": .number(count)]
        },
        RunVerb(
            "resolve", [RunKey("uri", .text, required: true, "the address")],
            "says which servers an address leads to, in the order in which they are tried (RFC 3263)",
            done: "servers: [{transport, address, identity, name}]"
        ) { _, agent, arguments in
            let servers = try await agent.servers(of: arguments.text("uri") ?? "")
            return ["servers": .array(servers.map { .object($0.members) })]
        },
    ]
}
