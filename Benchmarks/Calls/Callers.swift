import CLinuxIO
import Glibc
import MediaEngine
import RTP

/// Calls a telephone many times at once, speaks in each call, and notes when each packet of the telephone was sent.
///
/// A packet's schedule is its timestamp: how much later than the earliest packet of its stream, measured so, it was sent is
/// how late it was. Nobody's own clock or opinion comes into it.
final class Callers {
    private struct Line {
        var caller: PlainCaller
        var sequence: UInt16 = 0
        var timestamp: UInt32 = 0
        var until: Int64 = .max
        var received = 0
        /// When packets came, counted from their timestamps, in microseconds.
        var transits: [Int64] = []
        var first: (timestamp: UInt32, sequence: UInt16)?
        var highest: UInt16 = 0
    }

    private let options: CallerOptions
    private let signalling: TimedSocket
    private let media: [(rtp: TimedSocket, rtcp: TimedSocket)]
    private var lines: [Line] = []
    private var lineOfPort = [Int32](repeating: -1, count: 65_536)
    private var lineOfNumber: [Int: Int] = [:]
    private let voice: [UInt8]
    private var (begun, answered, refused, silent, over, standing) = (0, 0, 0, 0, 0, 0)
    private var isMeasuring = false
    /// Memory of the telephone after each twentieth of the calls, in KiB.
    private var memories: [Int] = []

    private static let packet: Int64 = 20_000_000

    init(_ options: CallerOptions) throws {
        self.options = options
        self.signalling = try TimedSocket()
        self.media = try (0..<8).map { _ in try Self.pair() }
        for i in 0..<options.calls {
            let port = self.media[i % self.media.count].rtp.port
            let caller = PlainCaller(target: options.port, local: self.signalling.port, media: port)
            self.lines.append(Line(caller: caller))
        }
        // Something like speech: a sawtooth with noise, of a second.
        var random: UInt64 = 1
        let sound = (0..<8_000).map { i -> Int16 in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int16(truncatingIfNeeded: (i % 80) * 100 - 4_000 + Int(random >> 54))
        }
        var voice: [UInt8] = []
        SampleCodec.pcmu.encode(sound.span, into: &voice)
        self.voice = voice
    }

    /// Sockets at an even port and the one above it.
    private static func pair() throws -> (TimedSocket, TimedSocket) {
        for _ in 0..<100 {
            let rtp = try TimedSocket()
            guard rtp.port & 1 == 0, let rtcp = try? TimedSocket(port: rtp.port + 1) else { continue }
            return (rtp, rtcp)
        }
        throw TimedSocket.Problem("no pair of ports")
    }

    /// - Throws: when calls failed, or packets were too late.
    func run() throws {
        let start = cio_monotonic_nanoseconds()
        let use = self.options.pid.map { ProcessUse(pid: $0) }
        var (slot, round) = (0, Int64(0))
        var (measureFrom, measureTo) = (Int64.max, Int64.max)
        var (before, own) = (0.0, Int64(0))
        var told = 0
        while true {
            let now = cio_monotonic_nanoseconds()
            self.receive(now)
            self.begin(now - start, now)
            // What is due: each line has its place within the packet time.
            while start + round * Self.packet + Int64(slot) * Self.packet / Int64(self.lines.count) <= now {
                self.turn(slot, now)
                slot += 1
                if slot == self.lines.count { (slot, round) = (0, round + 1) }
            }
            if self.options.isChanging {
                if let use, self.over / (self.options.total / 20) > told {
                    told = self.over / (self.options.total / 20)
                    let memory = use.memory
                    self.memories.append(memory.anonymous)
                    print("\(self.over) calls over: PSS \(memory.proportional) KiB, anonymous \(memory.anonymous) KiB")
                    fflush(nil)
                }
                if self.over + self.refused == self.options.total { break }
            } else if measureFrom == .max, self.begun == self.options.total, self.standing + self.refused == self.begun
            {
                measureFrom = now + Int64(self.options.settle * 1e9)
                measureTo = measureFrom + Int64(self.options.seconds * 1e9)
            } else if !self.isMeasuring, now >= measureFrom, now < measureTo {
                self.isMeasuring = true
                (before, own) = (use?.processorSeconds ?? 0, cio_processor_nanoseconds())
            } else if now >= measureTo {
                break
            }
            let next = start + round * Self.packet + Int64(slot) * Self.packet / Int64(self.lines.count)
            cio_sleep_until(Swift.max(next, cio_monotonic_nanoseconds() + 500_000))
        }
        if self.options.isChanging { return try self.report() }
        let processor = (use?.processorSeconds ?? 0) - before
        let ownProcessor = Double(cio_processor_nanoseconds() - own) / 1e9
        self.isMeasuring = false
        self.hangUpAll()
        try self.report(processor / self.options.seconds, ownProcessor / self.options.seconds)
    }

    private func begin(_ elapsed: Int64, _ now: Int64) {
        let due = Int(Double(elapsed) / 1e9 * self.options.rate)
        guard self.begun < Swift.min(due, self.options.total) else { return }
        for i in self.lines.indices where self.lines[i].caller.state == .idle {
            // A line that was used rests only while calls do not follow one another.
            guard self.options.isChanging || self.lines[i].caller.number == 0 else { continue }
            self.begun += 1
            self.lineOfNumber[self.lines[i].caller.number] = nil
            self.lineOfNumber[self.begun] = i
            self.signalling.send(self.lines[i].caller.call(self.begun, at: now), to: self.options.port)
            if self.begun >= Swift.min(due, self.options.total) { return }
        }
    }

    private func turn(_ i: Int, _ now: Int64) {
        let wake = self.lines[i].caller.wake(at: now)
        if let octets = wake.octets { self.signalling.send(octets, to: self.options.port) }
        if !wake.isAlive { self.refused += 1 }
        guard self.lines[i].caller.state == .standing else { return }
        if now >= self.lines[i].until {
            self.lines[i].until = .max
            self.signalling.send(self.lines[i].caller.hangUp(at: now), to: self.options.port)
            return
        }
        var packet: [UInt8] = []
        packet.reserveCapacity(172)
        RTPHeader(
            payloadType: 0, sequenceNumber: self.lines[i].sequence, timestamp: self.lines[i].timestamp,
            ssrc: UInt32(truncatingIfNeeded: self.lines[i].caller.number)
        ).append(to: &packet)
        let from = Int(self.lines[i].timestamp) % 8_000
        packet.append(contentsOf: self.voice[from..<(from + 160)])
        self.lines[i].sequence &+= 1
        self.lines[i].timestamp = (self.lines[i].timestamp + 160) % 0x4000_0000
        self.media[i % self.media.count].rtp.send(packet, to: self.lines[i].caller.mediaPort)
    }

    private func receive(_ now: Int64) {
        for (rtp, rtcp) in self.media {
            rtp.receive { octets, port, time in self.note(octets, port, time) }
            rtcp.receive { _, _, _ in }
        }
        self.signalling.receive { octets, port, _ in
            let message = PlainMessage(octets)
            guard let number = message.number, let i = self.lineOfNumber[number] else { return }
            guard message.status != nil else {
                if message.method == "BYE", self.lines[i].caller.state == .standing {
                    self.lines[i].caller.ended()
                    self.end(i)
                }
                if message.method != "ACK" { self.signalling.send(message.consent, to: port) }
                return
            }
            let wasCalling = self.lines[i].caller.state == .calling
            switch self.lines[i].caller.take(message) {
            case .nothing: break
            case .answered(let ack):
                self.signalling.send(ack, to: self.options.port)
                if wasCalling { self.stand(i, now) }
            case .refused: self.refused += 1
            case .over: self.end(i)
            }
        }
    }

    private func stand(_ i: Int, _ now: Int64) {
        (self.answered, self.standing) = (self.answered + 1, self.standing + 1)
        self.lineOfPort[Int(self.lines[i].caller.mediaPort)] = Int32(i)
        self.lines[i].received = 0
        if self.options.isChanging { self.lines[i].until = now + Int64(self.options.seconds * 1e9) }
    }

    private func end(_ i: Int) {
        (self.over, self.standing) = (self.over + 1, self.standing - 1)
        self.lineOfPort[Int(self.lines[i].caller.mediaPort)] = -1
        if self.lines[i].received == 0 { self.silent += 1 }
    }

    private func note(_ octets: Span<UInt8>, _ port: UInt16, _ time: Int64) {
        let i = Int(self.lineOfPort[Int(port)])
        guard i >= 0, let header = try? RTPHeader(parsing: octets) else { return }
        self.lines[i].received += 1
        guard self.isMeasuring else { return }
        let first = self.lines[i].first ?? (header.timestamp, header.sequenceNumber)
        self.lines[i].first = first
        self.lines[i].highest = header.sequenceNumber
        let due = Int64(Int32(bitPattern: header.timestamp &- first.timestamp)) * 125
        self.lines[i].transits.append(time / 1_000 - due)
    }

    private func hangUpAll() {
        for i in self.lines.indices where self.lines[i].caller.state == .standing {
            self.signalling.send(self.lines[i].caller.hangUp(at: cio_monotonic_nanoseconds()), to: self.options.port)
            cio_sleep_until(cio_monotonic_nanoseconds() + 2_000_000)
            self.receive(cio_monotonic_nanoseconds())
        }
    }

    /// What has become of calls that followed one another.
    private func report() throws {
        print("\(self.over) calls over, \(self.refused) refused, \(self.silent) without a packet")
        guard self.refused == 0, self.silent == 0 else { throw TimedSocket.Problem("calls failed") }
        guard let most = self.options.mostGrowth, self.memories.count > 8, let last = self.memories.last else { return }
        let growth = (Double(last) / Double(self.memories[4]) - 1) * 100
        print("since the first quarter: \((growth * 10).rounded() / 10) % more")
        guard growth <= most else { throw TimedSocket.Problem("\(most) % more are allowed") }
    }

    private func report(_ processor: Double, _ own: Double) throws {
        var late: [Int64] = []
        var missing = 0
        for line in self.lines {
            guard let least = line.transits.min(), let first = line.first else { continue }
            late += line.transits.map { $0 - least }
            missing += Int(line.highest &- first.sequence) + 1 - line.transits.count
        }
        late.sort()
        func percentile(_ share: Double) -> Double {
            late.isEmpty ? 0 : Double(late[Swift.min(late.count - 1, Int(Double(late.count) * share))]) / 1_000
        }
        let heard = self.lines.count { !$0.transits.isEmpty }
        print(
            "\(self.answered) of \(self.options.total) calls answered, \(heard) of them heard, \(self.refused) refused")
        print(
            "\(late.count) packets in \(self.options.seconds) s, \(missing) missing; later than its schedule, ms:",
            "p50 \(percentile(0.5)), p90 \(percentile(0.9)), p99 \(percentile(0.99)), p99.9 \(percentile(0.999)),",
            "most \(percentile(1))")
        if let pid = self.options.pid {
            let share = (processor * 10_000).rounded() / 100
            let each = (processor / Double(Swift.max(1, heard)) * 1e6).rounded() / 1_000
            let memory = ProcessUse(pid: pid).memory.proportional
            print("processor: \(share) % of a core, \(each) ms a second for each call; PSS \(memory) KiB after all")
        }
        print("the callers themselves: \((own * 10_000).rounded() / 100) % of a core")
        guard heard == self.options.total else { throw TimedSocket.Problem("not all calls were heard") }
        if let most = self.options.mostLate, percentile(0.99) > most {
            throw TimedSocket.Problem("p99 is \(percentile(0.99)) ms, \(most) are allowed")
        }
    }
}
