import BiloxiKit

extension RunVerb {
    static let subscriptionVerbs: [RunVerb] = [
        RunVerb(
            "subscribe",
            [
                RunKey("uri", .text, required: true, "whose state"),
                RunKey("event", .text, required: true, "the event package: presence, dialog, message-summary, …"),
                RunKey("subscription", .text, "the name of the subscription; one is chosen unless given"),
                RunKey(
                    "expires", .time, "how long it lasts, 1 h unless given; it is refreshed in time; with 0 told once"),
                RunKey("accept", .texts, "the types of state that are understood"),
                RunKey("headers", .headers, "more header lines of the SUBSCRIBE"),
                RunKey("account", .text, "who asks; the first account unless given"),
            ], "asks to be told of the state of somebody (RFC 6665), by the event notified, until unsubscribe",
            done: "subscription"
        ) { session, agent, arguments in
            let name = try session.reserveSubscription(arguments.text("subscription"))
            do {
                let subscription = try await agent.subscribe(
                    arguments.text("uri") ?? "", to: arguments.text("event") ?? "", as: arguments.text("account"),
                    expires: arguments.time("expires") ?? .seconds(3600), accept: arguments.texts("accept"),
                    fields: arguments.headers)
                session.began(name, subscription)
            } catch {
                session.forgetSubscription(name)
                throw error
            }
            return ["subscription": .string(name)]
        },
        RunVerb(
            "unsubscribe",
            [RunKey("subscription", .text, required: true, "the name of the subscription")],
            "ends a subscription; done when the other side knows"
        ) { session, _, arguments in
            try await session.takeSubscription(arguments.text("subscription") ?? "").cancel()
            return [:]
        },
        RunVerb(
            "refer",
            [
                RunKey("uri", .text, required: true, "who is asked"),
                RunKey("to", .text, required: true, "whom it is to call"),
                RunKey(
                    "subscription", .text, "the name of the subscription that this makes; one is chosen unless given"),
                RunKey("account", .text, "who asks; the first account unless given"),
            ],
            "asks someone outside of calls to call someone (REFER); done when that is agreed to; notified tells what the "
                + "call comes to", done: "subscription"
        ) { session, agent, arguments in
            let name = try session.reserveSubscription(arguments.text("subscription"))
            do {
                session.began(
                    name,
                    try await agent.refer(
                        arguments.text("uri") ?? "", to: arguments.text("to") ?? "", as: arguments.text("account")))
            } catch {
                session.forgetSubscription(name)
                throw error
            }
            return ["subscription": .string(name)]
        },
    ]
}
