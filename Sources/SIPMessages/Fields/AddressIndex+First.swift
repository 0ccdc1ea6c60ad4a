extension AddressIndex {
    /// The first of the values in `range`; `nil` when it cannot be read.
    public init?(firstOf octets: Span<UInt8>, in range: Range<Int>, field: HeaderID) {
        self.init()
        do {
            _ = try Self.parse(octets, in: range, field: field, into: &self)
        } catch { return nil }
    }
}

extension URIIndex {
    /// The URI in the first of the addresses in `range`; `nil` when it cannot be read.
    public init?(firstAddressOf octets: Span<UInt8>, in range: Range<Int>, field: HeaderID) {
        guard let address = AddressIndex(firstOf: octets, in: range, field: field) else { return nil }
        do {
            try self.init(parsing: octets, in: address.uri.range, field: field)
        } catch { return nil }
    }
}
