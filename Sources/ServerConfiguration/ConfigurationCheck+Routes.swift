import CallRouting

/// What must hold of routes, and of what they need.
extension ConfigurationCheck {
    /// All routes with their path: those of all, and those of trunks.
    var routes: [(path: String, route: ConfigurationValue)] {
        var routes = (self.root["routes"]?.elements ?? []).map { ("routes", $0) }
        for trunk in self.root["trunks"]?.fields ?? [] {
            routes += (trunk.value["inbound"]?.elements ?? []).map { ("trunks.\(trunk.name).inbound", $0) }
        }
        return routes
    }

    mutating func checkRoutes() {
        for (path, route) in self.routes {
            self.checkDestination(of: route, path)
            if let rewrite = route["rewrite"],
                let other = ["strip", "prepend"].first(where: { route[$0].map { $0.source != .builtIn } ?? false })
            {
                self.note(rewrite.source, "\(path).rewrite takes the place of \(other): leave one of them out")
            }
            self.checkCallers(of: route, path)
        }
    }

    private mutating func checkDestination(of route: ConfigurationValue, _ path: String) {
        let ways = ["to", "host", "redirect", "reject"]
        let given = ways.filter { route[$0] != nil }
        if given.isEmpty, !self.isIncomplete {
            self.note(route.source, "\(path) must say where calls go: add \(Shape.alternatives(ways))")
        } else if given.count > 1, let second = route[given[1]] {
            self.note(
                second.source,
                "\(path) has \(Shape.enumeration(given)), of which only one can hold: leave the others out")
        }
        if let to = route["to"], case .service(let name) = to.text.flatMap({ Route.Destination($0) }),
            !Route.services.contains(name)
        {
            let known = Shape.enumeration(Route.services.map { "service:\($0)" })
            self.note(to.source, "\(path).to names service \"\(name)\", which is unknown: known is \(known)")
        }
        if let redirect = route["redirect"], redirect["status"]?.text == "305",
            redirect["contacts"]?.elements.isEmpty ?? true
        {
            self.note(redirect.source, "\(path).redirect is 305 without contacts: name the proxy to use")
        }
    }

    /// Who is not one of our users is never let out: neither by a trunk nor to another server.
    private mutating func checkCallers(of route: ConfigurationValue, _ path: String) {
        let leads: Bool
        switch route["to"]?.text.flatMap({ Route.Destination($0) }) {
        case .trunk: leads = true
        default: leads = false
        }
        guard leads else { return }
        for caller in route["from"]?.elements ?? [] {
            switch caller.text.flatMap({ Route.CallerPattern($0) }) {
            case .anyone:
                self.note(
                    caller.source,
                    "\(path).from lets anyone use a trunk, which others pay for and strangers find: name users, user:NAME or"
                        + " trunk:NAME")
            case .users, .user, .trunk, nil: break
            }
        }
    }
}
