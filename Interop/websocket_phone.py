#!/usr/bin/env python3
"""A phone that knows nothing but SIP over WebSocket (RFC 7118), for want of a foreign one that runs without a browser.

    websocket_phone.py --server HOST:PORT --user USER --password PASSWORD answer|hangup

It registers with digest and a Contact that leads nowhere (RFC 7118 §5), takes one call, and either waits for the BYE
(answer) or sends it (hangup). Prints what happens, and ends with 0 when all of it did.
"""
import argparse, base64, hashlib, os, re, socket, struct, sys, time


class WebSocket:
    """A client's end of a connection: RFC 6455, whole text frames only."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), 10)
        self.buffer = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self.read()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        assert head.startswith(b"HTTP/1.1 101 ") and accept in head, head
        assert re.search(rb"(?mi)^Sec-WebSocket-Protocol: sip\r?$", head), head

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.read()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def send(self, text, opcode=1):
        payload, mask = text.encode() if isinstance(text, str) else text, os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
        self.socket.sendall(bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def receive(self, seconds):
        """The next message; pings are answered on the way."""
        self.socket.settimeout(seconds)
        while True:
            first, second = self.take(2)
            assert first & 0x80 and not second & 0x80, "a server sends whole frames without a mask"
            size = second & 0x7F
            if size == 126:
                size = struct.unpack("!H", self.take(2))[0]
            payload = self.take(size)
            if first & 0xF == 9:
                self.send(payload, 0xA)
            elif first & 0xF in (1, 2) and payload.strip():
                return payload.decode()


class Message:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def first(self, name):
        return (self.all(name) or [""])[0]

    @property
    def method(self):
        return self.start.split(" ")[0]


class Phone:
    def __init__(self, arguments):
        host, port = arguments.server.rsplit(":", 1)
        self.user, self.password, self.domain = arguments.user, arguments.password, arguments.domain
        self.wire = WebSocket(host, int(port))
        self.host = f"{os.urandom(6).hex()}.invalid"
        self.contact = f"<sip:{self.user}@{self.host};transport=ws>"
        self.tag, self.cseq = os.urandom(4).hex(), 0

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    def request(self, method, uri, fields, cseq=None):
        self.cseq = cseq or self.cseq + 1
        lines = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/WS {self.host};branch=z9hG4bK{os.urandom(8).hex()}",
                 "Max-Forwards: 70", f"CSeq: {self.cseq} {method}", *fields, "Content-Length: 0"]
        self.wire.send("\r\n".join(lines) + "\r\n\r\n")

    def respond(self, request, status, body=""):
        lines = [f"SIP/2.0 {status}", *(f"{name}: {value}" for name, value in request.fields
                                        if name in ("Via", "From", "Call-ID", "CSeq", "Record-Route"))]
        to = request.first("To")
        lines.append(f"To: {to}" if ";tag=" in to else f"To: {to};tag={self.tag}")
        if body:
            lines += [f"Contact: {self.contact}", "Content-Type: application/sdp"]
        self.wire.send("\r\n".join(lines + [f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body)

    def expect(self, what, test, seconds=20):
        end = time.time() + seconds
        while time.time() < end:
            message = Message(self.wire.receive(end - time.time()))
            self.say(f"<- {message.start}")
            if test(message):
                return message
            if message.method == "OPTIONS":
                self.respond(message, "200 OK")
        raise AssertionError(f"{what} did not come")

    def credentials(self, challenge, method, uri):
        value = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
        name = value.get("algorithm", "MD5")
        digest = lambda text: hashlib.new({"MD5": "md5", "SHA-256": "sha256"}[name], text.encode()).hexdigest()
        cnonce = os.urandom(8).hex()
        secret = digest(f"{self.user}:{value['realm']}:{self.password}")
        response = digest(f"{secret}:{value['nonce']}:00000001:{cnonce}:auth:{digest(f'{method}:{uri}')}")
        return (f'Digest username="{self.user}", realm="{value["realm"]}", nonce="{value["nonce"]}", uri="{uri}", '
                f'response="{response}", algorithm={name}, qop=auth, nc=00000001, cnonce="{cnonce}"')

    def register(self):
        uri, aor, call = f"sip:{self.domain}", f"sip:{self.user}@{self.domain}", os.urandom(8).hex()
        fields = [f"From: <{aor}>;tag={self.tag}", f"To: <{aor}>", f"Call-ID: {call}",
                  f"Contact: {self.contact};reg-id=1;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"",
                  "Supported: path, outbound", "Expires: 600"]
        self.request("REGISTER", uri, fields)
        challenge = self.expect("401", lambda m: m.start.startswith("SIP/2.0 401 "))
        answer = self.credentials(challenge.first("WWW-Authenticate"), "REGISTER", uri)
        self.request("REGISTER", uri, fields + [f"Authorization: {answer}"])
        done = self.expect("200 for REGISTER", lambda m: m.start.startswith("SIP/2.0 200 "))
        assert any(self.host in value for value in done.all("Contact")), "the Contact is bound"
        self.say("registered")

    def take_call(self):
        invite = self.expect("INVITE", lambda m: m.method == "INVITE", 30)
        self.respond(invite, "180 Ringing")
        body = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n"
                "a=rtpmap:0 PCMU/8000\r\n")
        self.respond(invite, "200 OK", body)
        self.expect("ACK", lambda m: m.method == "ACK")
        self.say("answered")
        return invite

    def hang_up(self, invite):
        target = re.search(r"<([^>]*)>", invite.first("Contact")).group(1)
        fields = [f"Route: {value}" for value in invite.all("Record-Route")]
        fields += [f"From: {invite.first('To')};tag={self.tag}", f"To: {invite.first('From')}",
                   f"Call-ID: {invite.first('Call-ID')}"]
        self.request("BYE", target, fields)
        self.expect("200 for BYE", lambda m: m.start.startswith("SIP/2.0 200 ") and "BYE" in m.first("CSeq"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default="127.0.0.1:8088")
    parser.add_argument("--domain", default="sip.test")
    parser.add_argument("--user", default="bob")
    parser.add_argument("--password", default="pw-bob")
    parser.add_argument("what", choices=["answer", "hangup"])
    arguments = parser.parse_args()
    phone = Phone(arguments)
    phone.register()
    invite = phone.take_call()
    if arguments.what == "hangup":
        time.sleep(1)
        phone.hang_up(invite)
    else:
        phone.respond(phone.expect("BYE", lambda m: m.method == "BYE", 30), "200 OK")
    phone.say("closed")


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, EOFError, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(1)
