extension MessageIndex {
    /// Whether a message has a Via below its topmost one: whether a request has passed a proxy, a response has one to pass.
    public func hasVia(below via: ViaIndex) -> Bool {
        guard let top = self.first(.via) else { return false }
        return via.whole.upper < self.fields[top].value.upper || self.next(.via, from: top + 1) != nil
    }
}
