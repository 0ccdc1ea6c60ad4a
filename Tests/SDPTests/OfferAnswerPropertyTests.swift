import SIPMessages
import Testing

@testable import SDP

@Suite("What holds of every exchange, and of any octets")
struct OfferAnswerPropertyTests {
    /// Makes things up from a seed.
    struct Maker {
        var state: UInt64

        init(seed: Int) { self.state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }

        mutating func number(_ bound: Int) -> Int {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(self.state >> 33) % Swift.max(1, bound)
        }

        mutating func stream(_ side: Int) -> LocalStream {
            let all = [
                MediaFormat(0, "PCMU"), MediaFormat(8, "PCMA"), MediaFormat(18, "G729"),
                MediaFormat(UInt8(96 + self.number(4)), "iLBC"),
                MediaFormat(UInt8(100 + self.number(4)), "telephone-event", parameters: "0-15"),
                MediaFormat(UInt8(104 + self.number(4)), "opus", 48_000, channels: 2),
            ]
            var formats = all.filter { _ in self.number(3) > 0 }
            if !formats.contains(where: { $0.isPrimary }) { formats.append(all[self.number(3)]) }
            return LocalStream(
                self.number(4) == 0 ? "video" : "audio", host: side == 0 ? "192.0.2.1" : "2001:db8::1",
                port: UInt16(1_024 + self.number(60_000)), allowsRTCPMux: self.number(2) == 0, formats: formats,
                direction: MediaDirection.allCases[self.number(4)])
        }
    }

    @Test(
        "Any two agents agree: sides mirror each other, versions rise by one, lines never go away", arguments: 0..<300)
    func agrees(seed: Int) throws {
        var maker = Maker(seed: seed)
        var machines = [
            OfferAnswer(identity: DescriptionIdentity(username: "a", sessionID: 1, host: "192.0.2.1")),
            OfferAnswer(identity: DescriptionIdentity(username: "b", sessionID: 2, host: "2001:db8::1")),
        ]
        for side in 0...1 { machines[side].style.usesOwnOrder = maker.number(2) == 0 }
        var count = 0
        for _ in 0..<12 {
            let offerer = maker.number(2)
            let other = 1 - offerer
            let wanted = (0..<maker.number(4)).map { _ in maker.number(5) == 0 ? nil : maker.stream(offerer) }
            let offer = try SessionDescription(machines[offerer].makeOffer(wanted).octets)
            #expect(offer.media.count >= count)
            count = offer.media.count
            if maker.number(6) == 0 {
                // Rejected: nothing changes on either side.
                let before = machines[offerer].streams
                machines[offerer].offerRejected()
                #expect(machines[offerer].streams == before)
                count = machines[offerer].local?.media.count ?? 0
                continue
            }
            let problems = try machines[other].receiveOffer(offer)
            // A rejected offer has used up a version that the other side has never seen.
            #expect(problems.allSatisfy { $0.rule == .versionStep || $0.rule == .versionKept })
            let answering = offer.media.map { medium -> LocalStream? in
                var stream = maker.stream(other)
                stream.type = medium.line.type
                return maker.number(6) == 0 ? nil : stream
            }
            let answer = try SessionDescription(machines[other].makeAnswer(answering).octets)
            #expect(answer.violations.isEmpty)
            #expect(try OfferAnswer.check(answer: answer, to: offer).isEmpty)
            _ = try machines[offerer].receiveAnswer(answer)
            #expect(machines[0].streams.count == machines[1].streams.count)
            for (left, right) in zip(machines[0].streams, machines[1].streams) {
                #expect(left.isActive == right.isActive)
                guard left.isActive else { continue }
                #expect(left.direction == right.direction.reversed)
                #expect(left.hasRTCPMux == right.hasRTCPMux)
                for (sender, receiver) in [(left, right), (right, left)] {
                    #expect(!sender.sendFormats.isEmpty)
                    for format in sender.sendFormats {
                        #expect(
                            receiver.receiveFormats.contains {
                                $0.payloadType == format.payloadType && $0.isSameEncoding(as: format)
                            })
                    }
                }
            }
        }
    }

    @Test("A description with changed octets is refused or written as it came", arguments: 0..<500)
    func mutations(seed: Int) throws {
        var maker = Maker(seed: seed)
        var octets = Example.all[maker.number(Example.all.count)].octets
        for _ in 0...maker.number(6) {
            let place = maker.number(octets.count)
            switch maker.number(3) {
            case 0: octets[place] = UInt8(maker.number(256))
            case 1: octets.remove(at: place)
            default: octets.insert(UInt8(maker.number(256)), at: place)
            }
        }
        guard let description = try? SessionDescription(octets) else { return }
        #expect(description.octets == octets)
        var machine = OfferAnswer(identity: DescriptionIdentity(sessionID: 1, host: "192.0.2.1"))
        guard (try? machine.receiveOffer(description)) != nil else { return }
        let answer = try machine.makeAnswer(description.media.map { _ in maker.stream(0) })
        #expect(answer.media.count == description.media.count)
        #expect(try SessionDescription(answer.octets).octets == answer.octets)
    }
}
