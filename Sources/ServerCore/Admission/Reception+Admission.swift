public import SIPMessages

/// What is done with messages while there are too many of them.
extension Reception {
    /// Refuses new work of a source that has had its share: 503 and when to come again, before a shard is entered.
    ///
    /// - Returns: whether the message at hand was refused.
    func refusesNewWork(_ octets: Span<UInt8>, _ workspace: inout Workspace) -> Bool {
        guard workspace.index.isRequest, workspace.isNewWork(octets),
            !workspace.admission.begins(from: workspace.flow.remote.ip, at: workspace.now)
        else { return false }
        let tag = self.settings.statelessTag(octets, workspace.index)
        var fields: [UInt8] = []
        fields.append("Retry-After: ")
        // Not all at the same time.
        fields.append(decimal: UInt32(1 + tag % 4))
        fields.append("\r\n")
        workspace.reply(octets, 503, "Server Is Overloaded", fields: fields, tag: tag)
        return true
    }
}

extension ServerSettings {
    /// Whether a gateway is known by this address.
    public func isTrunk(_ source: IPAddress) -> Bool {
        self.trunks.contains { trunk in trunk.allow.contains { $0.contains(source) } }
    }
}

extension Workspace {
    /// Whether the request at hand begins something. What has a To tag, cancels or acknowledges belongs to something, and a
    /// REGISTER with credentials to a device that is, or was a moment ago, known.
    fileprivate func isNewWork(_ octets: Span<UInt8>) -> Bool {
        switch self.index.method {
        case .ack, .cancel, .bye, .prack, .update, .info, .notify: return false
        case .register: return !self.index.has(.authorization)
        default: break
        }
        guard let to = self.index.value(.to),
            let address = try? AddressIndex(parsing: octets, in: to.range, field: .to)
        else { return true }
        return octets.parameter("tag", in: address.parameters) == nil
    }
}
