import SIPMessages

/// The order in which the addresses of one name are tried (RFC 7984 §4, RFC 6724 §6).
///
/// The rules that need our source address (2 to 5, 7 and 9) are left out: a listener may be bound to all of a machine's
/// addresses. Rules 6 (precedence) and 10 (as the DNS gave them) remain; rule 1 leaves out what cannot be reached.
enum AddressOrder {
    static func arrange(_ addresses: [IPAddress]) -> [IPAddress] {
        addresses.filter { self.isUsable($0) }.enumerated()
            .sorted { left, right in
                let (first, second) = (self.precedence(left.element), self.precedence(right.element))
                return first == second ? left.offset < right.offset : first > second
            }
            .map { $0.element }
    }

    /// Whether a name may lead there: not to a group, to nowhere, or to a link-local IPv6 address, which is an address
    /// only together with an interface.
    static func isUsable(_ address: IPAddress) -> Bool {
        address.isUnicast && !address.isLinkLocal
    }

    /// The default policy table of RFC 6724 §2.1.
    private static func precedence(_ address: IPAddress) -> Int {
        guard address.isIPv6 else { return 35 }
        let high = address.high
        if high == 0 {
            if address.low == 1 { return 50 }
            if address.low >> 32 == 0xFFFF { return 35 }
            if address.low >> 32 == 0 { return 1 }
        }
        if high >> 48 == 0x2002 { return 30 }
        if high >> 32 == 0x2001_0000 { return 5 }
        if high >> 57 == 0xFC >> 1 { return 3 }
        if high >> 54 == 0xFEC0 >> 6 || high >> 48 == 0x3FFE { return 1 }
        return 40
    }
}
