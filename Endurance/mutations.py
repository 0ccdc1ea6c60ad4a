"""What can be wrong with a message: a seeded source of mutations of its octets, its lines and its values."""
import random
import re

NASTY = [b"", b" ", b"\t", b",", b";", b"<", b">", b"<>", b'"', b'"unclosed', b"\\", b"%", b"%00", b"%zz", b"\x00", b"\xff\xfe",
         b"0", b"-1", b"4294967295", b"4294967296", b"18446744073709551616", b"9" * 400, b"*", b"?", b"@", b"sip:", b"sip:@",
         b"sip:[::", b"sip:[::1]:99999", b"sip:a@b:0", b"tel:+", b"sips:x@127.0.0.1", b"<sip:127.0.0.1;lr>", b"a" * 300,
         b"(((((((", b"((" * 100, b"\xe2\x80\xae\xf0\x9f\x92\xa3", b"=?=", b"%s%n%x", b"\r\n ", b"SIP/2.0", b"\xc0\x80"]
URIS = [b"sip:u9@sip.test", b"sip:nobody@sip.test", b"sip:127.0.0.1:5060", b"sip:127.0.0.1:5060;lr", b"sip:x@192.0.2.1",
        b"sip:x@nowhere.invalid", b"sip:x@[::1]", b"sip:x@255.255.255.255", b"sip:x@0.0.0.0", b"sip:x@127.0.0.1:1;transport=tcp",
        b"sip:u9@sip.test?Route=%3Csip:127.0.0.1%3E", b"sip:u9@sip.test;maddr=127.0.0.1;ttl=256", b"tel:+4930123;isub=1",
        b"sips:u9@sip.test", b"urn:service:sos", b"http://x/", b"sip:u9@sip.test;gr=urn:uuid:x", b"sip:%759@SIP.test",
        b"sip:u9:pw@sip.test", b"sip:" + b"b" * 2000 + b"@sip.test", b"sip:u9@sip.test" + b";p=1" * 200]
VIAS = [b"SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKx", b"SIP/2.0/UDP", b"SIP/2.0/TCP 127.0.0.1;branch=1;received=1.2.3.4",
        b"SIP/3.0/UDP h;branch=z9hG4bK", b"SIP/2.0/SCTP [::1]:5060;rport=99999;branch=z9hG4bKy", b"SIP / 2.0 / UDP h ; branch = z",
        b"SIP/2.0/UDP 127.0.0.1;maddr=224.0.0.1;ttl=1;branch=z9hG4bKm", b"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK;branch=2",
        b"SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2, ,", b"SIP/2.0/WSS x.invalid;rport;branch=z9hG4bKw"]
FIELDS = [b"Require: 100rel, nothing", b"Proxy-Require: privacy, unknown", b"Max-Forwards: 0", b"Max-Forwards: 256", b"Expires: 4294967296",
          b"Route: <sip:127.0.0.1:5060;lr>", b"Record-Route: <sip:127.0.0.1:5060;lr>", b"Path: <sip:127.0.0.1:5060;lr;ob>",
          b"Contact: *", b"Contact: <sip:a@127.0.0.1:9>;expires=0, *", b"Content-Type: multipart/mixed;boundary=x", b"RAck: 1 1 INVITE",
          b"Session-Expires: 1;refresher=uac", b"Min-SE: 4294967295", b"Replaces: x;to-tag=1;from-tag=2", b"Max-Breadth: 0",
          b"Proxy-Authorization: Digest", b'Authorization: Digest username="u20",realm="sip.test",nonce="",uri="",response=""',
          b"CSeq: 1 INVITE", b"To: <sip:u9@sip.test>;tag=other", b"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKtwice",
          b"Content-Encoding: gzip", b"Supported: outbound, path, gruu, timer", b"l: 5", b"X" * 70 + b": y", b": z", b"no colon",
          b"P-Asserted-Identity: <sip:root@sip.test>", b"Subscription-State: active", b"Flow-Timer: -1"]
LONGEST = 60_000


class Mutator:
    """Mutates messages, and remembers some for their parts."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.earlier = [b"OPTIONS sip:sip.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\nContent-Length: 0\r\n\r\n"]
        self.kinds = [self.flip, self.flip, self.insert, self.cut, self.truncate, self.duplicate, self.drop, self.swap, self.huge,
                      self.value, self.value, self.uri, self.via, self.length, self.ends, self.fold, self.move, self.move,
                      self.splice, self.many, self.number, self.case, self.add, self.nest, self.body]

    def __call__(self, message):
        for _ in range(self.dice.choice((1, 1, 1, 2, 4))):
            message = self.dice.choice(self.kinds)(message)
        if self.dice.random() < 0.05:
            if len(self.earlier) < 256:
                self.earlier.append(message[:4000])
            else:
                self.earlier[self.dice.randrange(256)] = message[:4000]
        return message[:LONGEST]

    def place(self, message):
        return self.dice.randrange(len(message) + 1)

    def lines(self, message):
        head, _, body = message.partition(b"\r\n\r\n")
        return head.split(b"\r\n"), body

    def join(self, lines, body):
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def field(self, lines):
        """Some line that is not the first; the first where there is no other."""
        return self.dice.randrange(1, len(lines)) if len(lines) > 1 else 0

    def flip(self, message):
        octets = bytearray(message)
        for _ in range(self.dice.randint(1, 8) if octets else 0):
            octets[self.dice.randrange(len(octets))] = self.dice.choice(b"\x00\t\r\n \"%,;:<>@\\0A\x7f\x80\xff" + bytes([self.dice.randrange(256)]))
        return bytes(octets)

    def insert(self, message):
        at = self.place(message)
        return message[:at] + self.dice.choice((self.dice.choice(NASTY), self.dice.randbytes(self.dice.randint(1, 40)))) + message[at:]

    def cut(self, message):
        at = self.place(message)
        return message[:at] + message[at + self.dice.randint(1, 60):]

    def truncate(self, message):
        return message[:self.place(message)]

    def duplicate(self, message):
        lines, body = self.lines(message)
        line = lines[self.field(lines)]
        lines[self.field(lines):0] = [line] * self.dice.choice((1, 1, 2, 50))
        return self.join(lines, body)

    def drop(self, message):
        lines, body = self.lines(message)
        del lines[self.dice.randrange(len(lines))]
        return self.join(lines, body)

    def swap(self, message):
        lines, body = self.lines(message)
        a, b = self.dice.randrange(len(lines)), self.dice.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
        return self.join(lines, body)

    def huge(self, message):
        lines, body = self.lines(message)
        at = self.field(lines)
        lines[at] += self.dice.choice((b"a", b",", b";x=", b"<", b'"\\', b" ", b"\r\n ", b"%41")) * self.dice.choice((1000, 8000, 20000))
        return self.join(lines, body)

    def value(self, message):
        lines, body = self.lines(message)
        at = self.field(lines)
        lines[at] = lines[at].partition(b":")[0] + b": " + self.dice.choice(NASTY)
        return self.join(lines, body)

    def uri(self, message):
        found = list(re.finditer(rb"(?:sips?|tel):[^\s<>\"]*", message[:4000]))
        if not found:
            return message
        span = self.dice.choice(found)
        return message[:span.start()] + self.dice.choice(URIS) + message[span.end():]

    def via(self, message):
        lines, body = self.lines(message)
        lines.insert(self.field(lines), b"Via: " + self.dice.choice(VIAS))
        if self.dice.random() < 0.5:
            lines = [line for line in lines if not line.startswith(b"Via: SIP/2.0/") or self.dice.random() < 0.5]
        return self.join(lines, body)

    def length(self, message):
        said = self.dice.choice((b"0", b"1", b"99", b"-1", b"1048577", b"4294967296", b" 5 5", b"", b"0x10", b"+3", b"1e3"))
        return re.sub(rb"(?i)(content-length|\nl) *: *\d*", lambda found: found[1] + b": " + said, message, count=1)

    def ends(self, message):
        end = self.dice.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\x00\r\n", b" \r\n"))
        return message.replace(b"\r\n", end, self.dice.choice((-1, 1, 3)))

    def fold(self, message):
        at = self.place(message)
        return message[:at] + b"\r\n" + self.dice.choice((b" ", b"\t", b"   ")) + message[at:]

    def move(self, message):
        """A field of another message, in place of the one of that name or beside it."""
        lines, body = self.lines(message)
        others, other = self.lines(self.dice.choice(self.earlier))
        line = others[self.field(others)]
        name = line.partition(b":")[0].lower()
        if self.dice.random() < 0.7:
            lines = [old for old in lines if old.partition(b":")[0].lower() != name] or lines
        lines.insert(self.field(lines) if len(lines) > 1 else 1, line)
        return self.join(lines, self.dice.choice((body, body, other)))

    def splice(self, message):
        other = self.dice.choice(self.earlier)
        return message[:self.place(message)] + other[self.place(other):]

    def many(self, message):
        lines, body = self.lines(message)
        lines[1:1] = [self.dice.choice(FIELDS)] * self.dice.choice((60, 250, 400))
        return self.join(lines, body)

    def number(self, message):
        found = list(re.finditer(rb"\d+", message[:4000]))
        if not found:
            return message
        span = self.dice.choice(found)
        new = self.dice.choice((b"0", b"1", b"-1", b"255", b"256", b"65535", b"65536", b"2147483648", b"4294967296", b"1" * 40, b"0.0", b""))
        return message[:span.start()] + new + message[span.end():]

    def case(self, message):
        lines, body = self.lines(message)
        at = self.field(lines)
        name, colon, rest = lines[at].partition(b":")
        short = {b"via": b"v", b"from": b"f", b"to": b"t", b"call-id": b"i", b"contact": b"m", b"content-length": b"l"}
        name = self.dice.choice((name.upper(), name.swapcase(), short.get(name.lower(), name), name + b" \t", b" " + name))
        lines[at] = name + colon + rest
        return self.join(lines, body)

    def add(self, message):
        lines, body = self.lines(message)
        lines.insert(self.dice.randint(1, len(lines)), self.dice.choice(FIELDS))
        return self.join(lines, body)

    def nest(self, message):
        """A body of parts within parts, with the length that it has."""
        depth = self.dice.choice((2, 8, 60, 300))
        body = b"".join(b"--%d\r\nContent-Type: multipart/mixed;boundary=%d\r\n\r\n" % (level, level + 1) for level in range(depth))
        lines, _ = self.lines(message)
        lines = [line for line in lines if not line.lower().startswith((b"content-", b"l:", b"c:"))]
        lines += [b"Content-Type: multipart/mixed;boundary=0", b"Content-Length: %d" % len(body)]
        return self.join(lines, body)

    def body(self, message):
        lines, _ = self.lines(message)
        octets = self.dice.randbytes(self.dice.choice((0, 1, 100, 3000, 30000)))
        lines = [line for line in lines if not line.lower().startswith((b"content-length", b"l:"))]
        if self.dice.random() < 0.8:
            lines.append(b"Content-Length: %d" % len(octets))
        return self.join(lines, octets)
