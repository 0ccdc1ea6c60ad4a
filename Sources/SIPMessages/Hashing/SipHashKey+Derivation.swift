extension SipHashKey {
    /// Another key, which nobody can tell from a random one and which says nothing about this one.
    ///
    /// - Parameter purpose: What it is for; another purpose has another key.
    public func derived(for purpose: StaticString) -> SipHashKey {
        func half(_ number: UInt8) -> UInt64 {
            var hasher = SipHash24(key: self)
            hasher.combine(octet: number)
            purpose.withUTF8Buffer { octets in for octet in octets { hasher.combine(octet: octet) } }
            return hasher.finish()
        }
        return SipHashKey(half(1), half(2))
    }
}
