"""Whole SIP flows over UDP, TCP and WebSocket, driven as fast as they go, each message through a mutator.

A `Flow` is one caller's business: a registration with digest, a call with PRACK, UPDATE, re-INVITE and BYE, a cancelled
one, a MESSAGE, an OPTIONS, a torture message. User u9 is called at several devices; they answer whatever reaches them. Nobody
waits for what does not come: a flow that stands still ends."""
import base64
import collections
import hashlib
import os
import random
import re
import select
import socket
import struct
import time
import zlib

DOMAIN = b"sip.test"
DEVICES = 3
METHODS = (b"REGISTER", b"INVITE", b"PRACK", b"UPDATE", b"INFO", b"BYE", b"CANCEL", b"MESSAGE", b"OPTIONS")
PATIENCE = 0.2  # Seconds after which a flow that stands still ends.
SDP = (b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
       b"a=rtpmap:101 telephone-event/8000\r\n")


def fields(message, name):
    return re.findall(rb"(?im)^%s *: *(.*?)\r?$" % name, message)


def first(message, name):
    found = fields(message, name)
    return found[0] if found else b""


class Wire:
    """One end of a transport. What arrives is handed to `take`, whole messages of it."""

    def __init__(self, hub, kind, port, take):
        self.hub, self.kind, self.port, self.take = hub, kind, port, take
        self.octets, self.out, self.socket = b"", b"", None
        self.open()

    def open(self):
        if self.socket:
            self.hub.forget(self.socket)
        self.octets = self.out = b""
        self.is_upgraded = self.kind != "ws"
        kind = socket.SOCK_DGRAM if self.kind == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        if self.kind == "udp":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.connect(("127.0.0.1", self.port))
        self.local = b"127.0.0.1:%d" % self.socket.getsockname()[1]
        self.socket.setblocking(False)
        self.hub.watch(self)
        if self.kind == "ws":
            self.write(b"GET / HTTP/1.1\r\nHost: sip.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Key: "
                       + base64.b64encode(bytes(16)) + b"\r\n\r\n")

    def send(self, message, dice=None):
        """Sends a message. With dice its frame, too, may be broken, or it goes in pieces."""
        if self.kind == "ws":
            opcode = 0x81 if not dice or dice.random() > 0.03 else dice.randrange(256)
            size = len(message) if not dice or dice.random() > 0.03 else dice.choice((0, 1, 1 << 16, 1 << 40))
            head = bytes([opcode])
            if size < 126:
                head += bytes([0x80 | size])
            elif size < 1 << 16:
                head += struct.pack("!BH", 0x80 | 126, size)
            else:
                head += struct.pack("!BQ", 0x80 | 127, size)
            message = head + bytes(4) + message  # Masked with zeros: as it is.
        if self.kind == "udp":
            try:
                self.socket.send(message)
            except OSError:
                pass  # Full, or told that nobody listens: as if it were lost.
        else:
            self.write(message)

    def write(self, octets):
        if len(self.out) < 1 << 20:
            self.out += octets
        self.flush()

    def flush(self):
        try:
            while self.out and self.is_connected():
                self.out = self.out[self.socket.send(self.out):]
        except BlockingIOError:
            pass
        except OSError:
            self.open()

    def is_connected(self):
        return self.is_upgraded or not self.out.startswith(b"\x81")

    def read(self):
        for _ in range(64):
            try:
                octets = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                octets = b""
            if self.kind == "udp":
                if octets:
                    self.take(octets, self)
                continue
            if not octets:
                return self.open()
            self.octets += octets
            self.frame()

    def frame(self):
        """Messages of a stream. What does not look like one is the end of the connection, as phones have it."""
        if not self.is_upgraded:
            head, found, rest = self.octets.partition(b"\r\n\r\n")
            if not found:
                return
            self.is_upgraded, self.octets = True, rest
            self.flush()
        if self.kind == "ws":
            while len(self.octets) >= 4:
                size, start = self.octets[1] & 127, 2
                if size == 126:
                    size, start = struct.unpack("!H", self.octets[2:4])[0], 4
                if size == 127 or len(self.octets) < start + size:
                    return
                message, self.octets = self.octets[start:start + size], self.octets[start + size:]
                if message:
                    self.take(message, self)
            return
        while True:
            self.octets = self.octets.lstrip(b"\r\n")
            head, found, rest = self.octets.partition(b"\r\n\r\n")
            if not found:
                return
            length = first(head + b"\r\n", b"content-length")
            size = int(length) if length.isdigit() else 0
            if len(rest) < size:
                return
            self.octets = rest[size:]
            self.take(head + b"\r\n\r\n" + rest[:size], self)


class Hub:
    """The wires of all, and who waits for them."""

    def __init__(self):
        self.poll, self.wires = select.epoll(), {}

    def watch(self, wire):
        self.wires[wire.socket.fileno()] = wire
        self.poll.register(wire.socket.fileno(), select.EPOLLIN)

    def forget(self, socket):
        self.wires.pop(socket.fileno(), None)
        socket.close()

    def run(self, seconds):
        for number, _ in self.poll.poll(seconds):
            if number in self.wires:
                self.wires[number].read()


class Flow:
    def __init__(self, kind, number, user, wire, siege):
        self.kind, self.user, self.wire, self.siege = kind, user, wire, siege
        self.call_id = b"%s-%d@siege" % (kind.encode(), number)
        self.cseq, self.count, self.challenge, self.answered, self.sent = 0, 0, None, set(), 0
        self.target, self.routes, self.to_tag, self.invite = b"sip:u9@" + DOMAIN, [], b"", b""
        self.steps = collections.deque([b"UPDATE", b"INVITE", b"INFO", b"BYE"])
        self.doomed = siege.dice.choice((0, 0, 0, 1, 1, 2, 3, 4, 6))  # The message that is mutated in any case.
        self.is_mutated = False

    def begin(self):
        if self.kind == "torture":
            self.send(self.siege.dice.choice(self.siege.torture))
            return self.siege.finish(self)  # It has a Call-ID of its own.
        method = {"registration": b"REGISTER", "message": b"MESSAGE", "options": b"OPTIONS"}.get(self.kind, b"INVITE")
        if self.kind == "registration":
            self.target = b"sip:" + DOMAIN
        self.request(method)

    def send(self, message):
        dice = self.siege.dice
        is_mutated = self.sent == self.doomed or dice.random() < 0.12
        self.sent += 1
        if is_mutated:
            self.is_mutated = True
            message = self.siege.mutate(message)
        self.siege.messages += 1
        self.at = self.siege.now
        self.wire.send(message, dice if is_mutated else None)

    def request(self, method, cseq=None, branch=None, extra=(), body=b""):
        if cseq is None:
            self.cseq += 1
        registers = method == b"REGISTER"
        to = self.user if registers else b"u9"
        transport = {"udp": b"UDP", "tcp": b"TCP", "ws": b"WS"}[self.wire.kind]
        lines = [b"%s %s SIP/2.0" % (method, self.target),
                 b"Via: SIP/2.0/%s %s;rport;branch=%s" % (transport, self.wire.local, branch or b"z9hG4bK" + os.urandom(6).hex().encode()),
                 b"Max-Forwards: 70", b"From: <sip:%s@%s>;tag=1" % (self.user, DOMAIN),
                 b"To: <sip:%s@%s>%s" % (to, DOMAIN, self.to_tag), b"Call-ID: " + self.call_id,
                 b"CSeq: %d %s" % (cseq or self.cseq, method), b"Contact: <sip:%s@%s>" % (self.user, self.wire.local), *extra]
        lines += [b"Route: " + route for route in self.routes]
        if method == b"INVITE":
            lines += [b"Supported: 100rel, timer, replaces", b"Session-Expires: 1800", b"Content-Type: application/sdp"]
            body = SDP
        if self.siege.challenge and method not in (b"ACK", b"CANCEL"):
            lines.append(self.credentials(method, registers))
        message = b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])
        if method == b"INVITE":
            self.invite = message
        self.send(message)

    def credentials(self, method, registers):
        nonce = self.siege.challenge[registers]
        if not nonce:
            return b"Priority: normal"
        self.siege.count += 1
        h = lambda octets: hashlib.md5(octets).hexdigest().encode()
        secret = h(self.user + b":" + DOMAIN + b":pw-" + self.user)
        count = b"%08x" % self.siege.count
        answer = h(b":".join([secret, nonce, count, b"c", b"auth", h(method + b":" + self.target)]))
        return (b'%s: Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm=MD5, cnonce="c", '
                b'qop=auth, nc=%s' % (b"Authorization" if registers else b"Proxy-Authorization", self.user, DOMAIN, nonce,
                                      self.target, answer, count))

    def take(self, message):
        """A response. What has been answered already is not answered again."""
        self.at = self.siege.now
        found = re.match(rb"SIP/2.0 (\d{3})", message)
        cseq = first(message, b"cseq").split()
        if not found or len(cseq) != 2:
            return
        status, method = int(found[1]), cseq[1]
        key = (cseq[0], method, status)
        if key in self.answered:
            return
        self.answered.add(key)
        self.siege.answers[method if method in METHODS else b"others", status // 100] += 1
        if status in (401, 407):
            for value in fields(message, b"www-authenticate" if status == 401 else b"proxy-authenticate"):
                nonce = re.search(rb'nonce="([^"]*)', value)
                if nonce and b"MD5" in value:
                    self.siege.challenge[status == 401], self.siege.count = nonce[1], 0
        if method == b"INVITE":
            return self.take_invite(message, status, cseq[0])
        if status in (401, 407) and self.count < 2:
            self.count += 1
            return self.request(method)
        if status < 200:
            return
        if method == b"REGISTER" and status == 200 and self.count < 3:
            self.count = 3
            return self.request(method, extra=[self.siege.dice.choice((b"Expires: 0", b"Expires: 60"))])
        if method in (b"PRACK", b"CANCEL"):
            return
        if method in (b"UPDATE", b"INFO", b"BYE") and self.steps:
            return self.request(self.steps.popleft())
        self.siege.finish(self)

    def take_invite(self, message, status, cseq):
        if status < 200:
            if self.kind == "cancel" and status > 100:
                via = first(self.invite, b"via")
                branch = via.rpartition(b"branch=")[2]
                return self.request(b"CANCEL", cseq=self.cseq, branch=branch)
            rseq = first(message, b"rseq")
            if rseq:
                self.request(b"PRACK", extra=[b"RAck: %s %s INVITE" % (rseq, cseq)])
            return
        tag = re.search(rb";tag=[^;,\s>]+", first(message, b"to"))
        if status >= 300:
            branch = first(self.invite, b"via").rpartition(b"branch=")[2]
            kept, self.to_tag = self.to_tag, tag[0] if tag else b""
            self.request(b"ACK", cseq=self.cseq, branch=branch)
            self.to_tag = kept
            if status in (401, 407) and self.count < 2:
                self.count += 1
                return self.request(b"INVITE")
            return self.siege.finish(self)
        if not self.to_tag:
            self.to_tag = tag[0] if tag else b""
            self.routes = [route for value in reversed(fields(message, b"record-route")) for route in reversed(value.split(b","))]
            contact = re.search(rb"<(sip:[^>]+)>", first(message, b"contact"))
            if contact:
                self.target = contact[1]
        self.request(b"ACK", cseq=self.cseq)
        if self.steps:
            self.request(self.steps.popleft())


class Siege:
    """Flows without end, so many at a time."""

    KINDS = ["registration"] * 3 + ["call"] * 7 + ["cancel"] * 2 + ["message"] * 2 + ["options"] * 2 + ["torture"] * 3

    def __init__(self, port, ws_port, callers, mutate, torture, at_once=192):
        self.callers = [caller.encode() for caller in callers]
        self.mutate, self.torture, self.at_once = mutate, torture, at_once
        self.dice = random.Random(mutate.dice.random())
        self.hub, self.challenge, self.count = Hub(), [b"", b""], 0
        self.begun = self.mutated = self.messages = 0
        self.kinds, self.answers = collections.Counter(), collections.Counter()
        self.live, self.order = {}, collections.deque()
        self.now = self.swept = time.monotonic()
        self.wires = [Wire(self.hub, kind, at, self.response) for kind, at, number in
                      (("udp", port, 8), ("tcp", port, 8), ("ws", ws_port, 4)) for _ in range(number)]
        self.devices = [Wire(self.hub, "udp", port, self.asked) for _ in range(DEVICES)]

    def response(self, message, wire):
        if not message.startswith(b"SIP/2.0"):
            return self.asked(message, wire)
        flow = self.live.get(first(message, b"call-id"))
        if flow:
            flow.take(message)

    def asked(self, request, wire):
        """What a device of u9's does with a request that reaches it."""
        method = request.split(b" ", 1)[0]
        if method == b"ACK" or request.startswith(b"SIP/2.0"):
            return
        call_id = first(request, b"call-id")
        if method != b"INVITE" or b";tag=" in first(request, b"to"):
            self.answer(request, wire, 200, b"OK")
            if method == b"CANCEL":
                self.answer(request, wire, 487, b"Request Terminated", method=b"INVITE")
            return
        # One device takes the call, the others are busy; of calls that will be cancelled none does.
        chosen = self.devices.index(wire) if wire in self.devices else 0
        fate = (zlib.crc32(call_id) + chosen) % DEVICES
        if self.dice.random() < 0.5:
            reliable = [b"Require: 100rel", b"RSeq: 1"] if b"100rel" in request and self.dice.random() < 0.5 else []
            self.answer(request, wire, 180, b"Ringing", reliable)
        if call_id.startswith(b"cancel"):
            return self.answer(request, wire, 180, b"Ringing")
        if fate == 0:
            self.answer(request, wire, 200, b"OK", [b"Content-Type: application/sdp"], SDP)
        else:
            self.answer(request, wire, self.dice.choice((486, 480, 404, 302, 503, 415)), b"No")

    def answer(self, request, wire, status, reason, extra=(), body=b"", method=None):
        head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
        lines = [b"SIP/2.0 %d %s" % (status, reason)]
        for line in head[1:]:
            name = line.partition(b":")[0].strip().lower()
            if name in (b"via", b"v", b"from", b"f", b"call-id", b"i", b"record-route"):
                lines.append(line)
            elif name in (b"to", b"t"):
                lines.append(line if b";tag=" in line else line + b";tag=d" + wire.local.rpartition(b":")[2])
            elif name == b"cseq":
                lines.append(line if not method else line.rpartition(b" ")[0] + b" " + method)
        lines += [b"Contact: <sip:u9@%s>" % wire.local, *extra, b"Content-Length: %d" % len(body), b"", body]
        message = b"\r\n".join(lines)
        if self.dice.random() < 0.12:
            message = self.mutate(message)
            flow = self.live.get(first(request, b"call-id"))
            if flow:
                flow.is_mutated = True
        self.messages += 1
        wire.send(message)

    def finish(self, flow):
        if self.live.pop(flow.call_id, None):
            self.kinds[flow.kind] += 1
            self.mutated += flow.is_mutated

    def step(self):
        """Whatever has arrived, then as many new flows as others have ended."""
        self.hub.run(0.005 if len(self.live) >= self.at_once else 0)
        self.now = time.monotonic()
        if self.now > self.swept + 0.02:
            self.swept = self.now
            for flow in [flow for flow in self.live.values() if self.now - flow.at > PATIENCE]:
                self.finish(flow)
        while len(self.live) < self.at_once:
            self.begun += 1
            flow = Flow(self.dice.choice(self.KINDS), self.begun, self.dice.choice(self.callers), self.dice.choice(self.wires), self)
            self.live[flow.call_id] = flow
            flow.begin()
