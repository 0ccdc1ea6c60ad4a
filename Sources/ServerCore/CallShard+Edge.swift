import ProxyCore
import SIPMessages

/// What an edge proxy does for the users of another server: RFC 3327 §5.2, RFC 5626 §5.
extension CallShard {
    /// The number of the home that a request goes to next; `nil` when that is none we are an edge proxy of.
    ///
    /// Whoever sends it: it goes to the home only, which asks for credentials itself.
    func home(of octets: Span<UInt8>, _ index: borrowing MessageIndex) -> Int? {
        guard !self.settings.homes.isEmpty, let uri = try? URIIndex(parsing: octets, in: index.requestURI.range),
            let hop = self.nextHop(octets, index, uri)
        else { return nil }
        return self.settings.homes.firstIndex { $0.contains(hop, octets) }
    }

    /// Refuses a REGISTER whose client does not know Path, where it must (RFC 3327 §5.2); returns whether it may go on.
    mutating func checkPathSupport(_ octets: Span<UInt8>, _ home: Int, _ workspace: inout Workspace) -> Bool {
        let home = self.settings.homes[home]
        guard workspace.index.method == .register, home.isOnPath, home.requiresPathSupport,
            !workspace.index.lists("path", in: .supported, octets)
        else { return true }
        var fields: [UInt8] = []
        fields.append("Require: path\r\n")
        self.refuse(octets, 421, "Extension Required", fields: fields, &workspace)
        return false
    }

    /// Appends the target of a request to a home: where the request names no further hop, the home's proxy is that.
    func appendHome(
        _ number: Int, _ octets: Span<UInt8>, _ index: borrowing MessageIndex, near flow: Flow,
        into targets: inout [UInt8]
    ) {
        let home = self.settings.homes[number]
        var route: [UInt8] = []
        var way: Flow?
        guard let uri = try? URIIndex(parsing: octets, in: index.requestURI.range) else { return }
        if index.has(.route) || home.proxy.isEmpty || !home.isDomain(of: uri, octets) {
            if let hop = self.nextHop(octets, index, uri) {
                way = self.settings.proxy.flow(to: hop, octets, near: flow)
            }
        } else {
            route = [0x3C] + home.proxy + [0x3E]
            if let uri = try? URIIndex(parsing: home.proxy.span, in: 0..<home.proxy.count) {
                way = self.settings.proxy.flow(to: uri, home.proxy.span, near: flow)
            }
        }
        Target.append(
            uri: octets, index.requestURI.range, route: route.span, 0..<route.count, q: 1000, flow: way, to: &targets)
    }
}

extension MessageIndex {
    /// Whether a field lists an option.
    func lists(_ option: StaticString, in id: HeaderID, _ octets: Span<UInt8>) -> Bool {
        var position = self.first(id)
        while let found = position {
            position = self.next(id, from: found + 1)
            let value = self.fields[found].value
            var start = value.lower
            while start < value.upper {
                while start < value.upper, !octets[start].isToken { start += 1 }
                var end = start
                while end < value.upper, octets[end].isToken { end += 1 }
                if octets.equals(start..<end, ignoringCase: option) { return true }
                start = end
            }
        }
        return false
    }
}
