import BiloxiKit
import Synchronization

/// What a session is told of the state of others.
extension RunSession {
    /// A subscription by its name; both are `nil` while it is asked for.
    struct Watch: Sendable {
        var subscription: Subscription?
        /// Prints what is told, until its end.
        var follower: Task<Void, Never>?
    }

    /// Takes a name for a subscription.
    ///
    /// - Throws: `RunProblem` when there is one of that name.
    func reserveSubscription(_ name: String?) throws(RunProblem) -> String {
        try self.state.withLock { state throws(RunProblem) in
            if let name, state.watches[name] != nil {
                throw RunProblem("there is a subscription \"\(name)\" already: give it another name")
            }
            var chosen = name ?? ""
            while name == nil, chosen.isEmpty || state.watches[chosen] != nil {
                state.lastWatch += 1
                chosen = "subscription-\(state.lastWatch)"
            }
            state.watches[chosen] = Watch()
            return chosen
        }
    }

    func forgetSubscription(_ name: String) { self.state.withLock { _ = $0.watches.removeValue(forKey: name) } }

    /// A subscription has begun: tells what comes of it.
    func began(_ name: String, _ subscription: Subscription) {
        self.state.withLock { $0.watches[name] = Watch(subscription: subscription) }
        let follower = Task { await self.follow(name, subscription) }
        self.state.withLock { $0.watches[name]?.follower = follower }
    }

    private func follow(_ name: String, _ subscription: Subscription) async {
        var end: [String: JSONValue] = ["subscription": .string(name), "target": .string(subscription.target)]
        do throws(SIPError) {
            for try await notification in subscription {
                var members = notification.members
                members["subscription"] = .string(name)
                members["package"] = .string(subscription.event)
                self.emit("notified", members)
            }
        } catch {
            end.merge(error.members) { $1 }
        }
        self.forgetSubscription(name)
        self.emit("subscriptionEnded", end)
    }

    /// The subscription of a name that has begun.
    ///
    /// - Throws: `RunProblem` when there is none.
    func takeSubscription(_ name: String) throws(RunProblem) -> Subscription {
        guard let subscription = self.state.withLock({ $0.watches[name]?.subscription }) else {
            throw RunProblem("there is no subscription \"\(name)\"")
        }
        return subscription
    }
}

extension Subscription.Notification {
    /// What is printed of it.
    var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "state": .string(self.state.rawValue), "contentType": .string(self.contentType), "text": .string(self.text),
        ]
        members["expires"] = self.expires.map { .number(Int($0.components.seconds)) }
        members["reason"] = self.reason.map { .string($0) }
        members["retryAfterMilliseconds"] = self.retryAfter.map { .number($0.milliseconds) }
        if let response { members["response"] = .string("\(response.status) \(response.reason)") }
        return members
    }
}
