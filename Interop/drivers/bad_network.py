#!/usr/bin/env python3
"""A network that loses and delays sound, in both directions: between a telephone and the one that it calls.

A telephone that takes it for its proxy (UDP, 127.0.0.1) reaches the other one through it. Messages pass it unharmed, with a Via
of its own; descriptions get its ports, and what goes there is passed on: RTP with --loss percent lost and up to --jitter
milliseconds late, each packet for itself, by a generator that --seed begins; RTCP and keys as they come. At its end (SIGTERM) it tells
what it has done.
"""
import argparse, heapq, random, re, selectors, signal, socket, time

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--port", type=int, default=5090)
arguments.add_argument("--to", default="127.0.0.1:5082", help="the telephone that is called")
arguments.add_argument("--loss", type=float, default=0, help="percent")
arguments.add_argument("--jitter", type=float, default=0, help="milliseconds")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--media", type=int, default=30000, help="the first of its ports for sound")
arguments = arguments.parse_args()

chance = random.Random(arguments.seed)
selector = selectors.DefaultSelector()
waiting, count = [], 0  # (when, number, socket, octets, address)
passed = lost = 0
running = True


def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", port))
    s.setblocking(False)
    return s


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
host, port = arguments.to.rsplit(":", 1)
called = (host, int(port))
signalling = udp(arguments.port)


class Side:
    """What one telephone sends its sound to, and where that of the other one goes."""

    def __init__(self, number):
        self.described = None  # Its own address, by its description.
        self.rtp, self.rtcp = udp(arguments.media + 2 * number), udp(arguments.media + 2 * number + 1)
        self.port = arguments.media + 2 * number


# What the caller sends to, and what the one who is called sends to. A description of one gets the port of the other's side.
caller, callee = Side(0), Side(1)
for side, other in ((caller, callee), (callee, caller)):
    selector.register(side.rtp, selectors.EVENT_READ, (side, other, "rtp"))
    selector.register(side.rtcp, selectors.EVENT_READ, (side, other, "rtcp"))
selector.register(signalling, selectors.EVENT_READ, None)


def described(message, author, reader):
    """The message with the description of `author` as `reader` is to read it: sound goes to our port."""
    head, _, body = message.partition("\r\n\r\n")
    media = re.search(r"(?m)^m=audio (\d+)", body)
    if not media:
        return message
    author.described = (re.search(r"(?m)^c=IN IP4 (\S+)", body).group(1), int(media.group(1)))
    body = re.sub(r"(?m)^m=audio \d+", f"m=audio {reader.port}", body)
    body = re.sub(r"(?m)^c=IN IP4 [^\s]+", "c=IN IP4 127.0.0.1", body)
    body = re.sub(r"(?m)^a=rtcp:.*\r\n", "", body)
    head = re.sub(r"(?im)^(Content-Length|l)[ \t]*:[^\r\n]*", f"Content-Length: {len(body.encode())}", head)
    return head + "\r\n\r\n" + body


def pass_on(octets, source):
    message = octets.decode(errors="surrogateescape")
    if not message.strip():
        return
    if message.startswith("SIP/2.0"):
        # Ours is the topmost Via: it goes, and the next one says where to.
        message = re.sub(r"(?im)^(Via|v)\s*:[^\r]*\r\n", "", message, count=1)
        via = re.search(r"(?im)^(?:Via|v)\s*:\s*SIP/2.0/UDP\s+([\d.]+):?(\d+)?", message)
        target = (via.group(1), int(via.group(2) or 5060))
        message = described(message, callee, caller)
    else:
        branch = re.search(r"(?i)branch=([^\s;,]+)", message).group(1)
        start, _, rest = message.partition("\r\n")
        rest = re.sub(rf"(?im)^Route\s*:\s*<sip:127.0.0.1:{arguments.port}[^>]*>\r\n", "", rest, count=1)
        message = f"{start}\r\nVia: SIP/2.0/UDP 127.0.0.1:{arguments.port};branch={branch}-relay\r\n{rest}"
        target = called
        message = described(message, caller, callee)
    signalling.sendto(message.encode(errors="surrogateescape"), target)


while running:
    timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else 0.2
    for key, _ in selector.select(timeout):
        try:
            octets, source = key.fileobj.recvfrom(65535)
        except OSError:
            continue
        if key.data is None:
            pass_on(octets, source)
            continue
        side, other, kind = key.data
        if other.described is None:
            continue
        # It leaves where the other one sends its own sound to.
        address, port = other.described
        if kind == "rtcp":
            other.rtcp.sendto(octets, (address, port + 1))
            continue
        if len(octets) < 32:  # A key (RFC 4733), whose order some telephones want kept.
            other.rtp.sendto(octets, (address, port))
            continue
        passed += 1
        if chance.uniform(0, 100) < arguments.loss:
            lost += 1
            continue
        count += 1
        due = time.monotonic() + chance.uniform(0, arguments.jitter) / 1000
        heapq.heappush(waiting, (due, count, other.rtp, octets, (address, port)))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, out, octets, address = heapq.heappop(waiting)
        try:
            out.sendto(octets, address)
        except OSError:
            pass
print(f"{passed} packets of sound, {lost} lost")
