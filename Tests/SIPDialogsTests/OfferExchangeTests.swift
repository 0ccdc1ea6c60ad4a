import SIPDialogs
import Testing

@Suite("Offer/answer over SIP messages (RFC 6337 §2)")
struct OfferExchangeTests {
    typealias Step = (OfferExchange.Carrier, OfferExchange.Party, Bool, OfferExchange.Reading)

    /// The six patterns of RFC 6337 §2, table 1; local is the caller.
    static let patterns: [[Step]] = [
        [(.invite, .local, true, .offer), (.success, .remote, true, .answer), (.ack, .local, false, .nothing)],
        [(.invite, .local, false, .nothing), (.success, .remote, true, .offer), (.ack, .local, true, .answer)],
        [
            (.invite, .local, true, .offer), (.reliable, .remote, true, .answer), (.prack, .local, false, .nothing),
            (.prackSuccess, .remote, false, .nothing), (.success, .remote, false, .nothing),
            (.ack, .local, false, .nothing),
        ],
        [
            (.invite, .local, false, .nothing), (.reliable, .remote, true, .offer), (.prack, .local, true, .answer),
            (.prackSuccess, .remote, false, .nothing), (.success, .remote, false, .nothing),
        ],
        [
            (.invite, .local, true, .offer), (.reliable, .remote, true, .answer), (.prack, .local, true, .offer),
            (.prackSuccess, .remote, true, .answer),
        ],
        [
            (.invite, .local, true, .offer), (.reliable, .remote, true, .answer), (.prack, .local, false, .nothing),
            (.update, .remote, true, .offer), (.updateSuccess, .local, true, .answer),
        ],
    ]

    @Test("Each pattern ends with a session and nothing open, from either side", arguments: 0..<6, [false, true])
    func pattern(number: Int, isMirrored: Bool) {
        var machine = OfferExchange()
        for (carrier, party, hasDescription, expected) in Self.patterns[number] {
            let party = isMirrored ? party.other : party
            #expect(machine.pass(carrier, from: party, hasDescription: hasDescription) == expected)
        }
        #expect(machine.isEstablished)
        #expect(machine.offerer == nil)
        #expect(machine.mayOffer)
    }

    @Test("An answer in an unreliable response is a preview; the one in the 2xx counts (RFC 6337 §3.1.1)")
    func preview() {
        var machine = OfferExchange()
        _ = machine.pass(.invite, from: .local, hasDescription: true)
        #expect(machine.pass(.provisional, from: .remote, hasDescription: true) == .preview)
        #expect(!machine.isEstablished)
        #expect(machine.pass(.success, from: .remote, hasDescription: true) == .answer)
    }

    @Test("A description that repeats the answer counts for nothing (RFC 3261 §13.2.1)")
    func repeatedAnswer() {
        var machine = OfferExchange()
        _ = machine.pass(.invite, from: .local, hasDescription: true)
        #expect(machine.pass(.reliable, from: .remote, hasDescription: true) == .answer)
        #expect(machine.pass(.success, from: .remote, hasDescription: true) == .ignored)
    }

    @Test("Without offer in the INVITE the first reliable message must bring one (RFC 3262 §5)")
    func owedOffer() {
        var machine = OfferExchange()
        _ = machine.pass(.invite, from: .remote, hasDescription: false)
        #expect(machine.duty(in: .reliable) == .mustOffer)
        #expect(machine.duty(in: .success) == .mustOffer)
        #expect(machine.duty(in: .provisional) == .nothing)
        // Until then nobody else makes one (RFC 3311 §5.1).
        #expect(!machine.mayOffer)
        #expect(machine.pass(.update, from: .remote, hasDescription: true) == .collision)
        #expect(machine.pass(.reliable, from: .local, hasDescription: true) == .offer)
        #expect(machine.pass(.prack, from: .remote, hasDescription: false) == .missing)
    }

    @Test("A 2xx without the answer, and an ACK without it, are told")
    func missing() {
        var caller = OfferExchange()
        _ = caller.pass(.invite, from: .local, hasDescription: true)
        #expect(caller.pass(.success, from: .remote, hasDescription: false) == .missing)
        var callee = OfferExchange()
        _ = callee.pass(.invite, from: .remote, hasDescription: false)
        _ = callee.pass(.success, from: .local, hasDescription: true)
        #expect(callee.pass(.ack, from: .remote, hasDescription: false) == .missing)
    }

    @Test("An offer against one of ours collides: 491; against one of theirs it overlaps: 500 (RFC 3311 §5.2)")
    func glare() {
        var ours = OfferExchange()
        _ = ours.pass(.invite, from: .local, hasDescription: true)
        #expect(ours.pass(.update, from: .remote, hasDescription: true) == .collision)
        var theirs = OfferExchange()
        _ = theirs.pass(.invite, from: .remote, hasDescription: true)
        #expect(theirs.pass(.update, from: .remote, hasDescription: true) == .overlap)
        #expect(theirs.offerer == .remote)
    }

    @Test("A failed re-INVITE withdraws its offer and leaves the session (RFC 6141 §3.4)")
    func failedReinvite() {
        var machine = OfferExchange()
        for (carrier, party, hasDescription, _) in Self.patterns[0] {
            _ = machine.pass(carrier, from: party, hasDescription: hasDescription)
        }
        _ = machine.pass(.invite, from: .remote, hasDescription: true)
        machine.inviteFailed()
        #expect(machine.offerer == nil)
        #expect(machine.isEstablished)
        #expect(machine.mayOffer)
    }

    @Test(
        "What each side must put into the next message",
        arguments: [
            (OfferExchange.Carrier.success, OfferExchange.Duty.mustAnswer), (.reliable, .mayAnswer),
            (.provisional, .mayAnswer),
            (.prack, .nothing), (.update, .nothing),
        ])
    func duties(carrier: OfferExchange.Carrier, duty: OfferExchange.Duty) {
        var machine = OfferExchange()
        _ = machine.pass(.invite, from: .remote, hasDescription: true)
        #expect(machine.duty(in: carrier) == duty)
    }
}
