#!/usr/bin/env python3
"""A phone of few words for the tests of networks: it registers once, answers OPTIONS, and waits for a MESSAGE.

    nat_phone.py SERVER-HOST:PORT USER SECONDS [tcp]   ends with 0 when a MESSAGE came in time, with 1 when none did
    nat_phone.py SERVER-HOST:PORT USER --send          sends a MESSAGE to USER and prints the final answer
"""
import os, re, socket, sys, time

DOMAIN = "sip.test"


def request(method, uri, user, local, fields, transport="udp"):
    return "\r\n".join([
        f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/{transport.upper()} {local};rport;branch=z9hG4bK{os.urandom(8).hex()}",
        "Max-Forwards: 70", f"From: <sip:{user}@{DOMAIN}>;tag={os.urandom(4).hex()}",
        f"Call-ID: {os.urandom(8).hex()}", f"CSeq: 1 {method}", *fields, "Content-Length: 0", "", ""]).encode()


def respond(message):
    kept = [line for line in message.split("\r\n")[1:] if re.match(r"(?i)(via|from|call-id|cseq):", line)]
    to = re.search(r"(?im)^To: (.*?)\r$", message).group(1)
    return "\r\n".join(["SIP/2.0 200 OK", *kept, f"To: {to};tag=1", "Content-Length: 0", "", ""]).encode()


def receive(wire, transport):
    """The next message; over a stream it may come in pieces. None here has a body."""
    text = wire.recv(65536).decode()
    while transport == "tcp" and text and not text.endswith("\r\n\r\n"):
        text += wire.recv(65536).decode()
    return text


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    user = sys.argv[2]
    transport = "tcp" if "tcp" in sys.argv[4:] else "udp"
    wire = socket.socket(socket.AF_INET, socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM)
    wire.connect((host, int(port)))
    local = "%s:%d" % wire.getsockname()
    if sys.argv[3] == "--send":
        wire.settimeout(10)
        wire.send(request("MESSAGE", f"sip:{user}@{DOMAIN}", "alice", local, [f"To: <sip:{user}@{DOMAIN}>"]))
        try:
            print(wire.recv(65536).decode().split("\r\n")[0])
        except TimeoutError:
            print("no answer")
        return 0
    wire.settimeout(5)
    wire.send(request("REGISTER", f"sip:{DOMAIN}", user, local, [
        f"To: <sip:{user}@{DOMAIN}>", f"Contact: <sip:{user}@{local};transport={transport}>", "Expires: 600"],
        transport))
    assert receive(wire, transport).startswith("SIP/2.0 200 "), "REGISTER"
    print("registered", flush=True)
    end = time.time() + float(sys.argv[3])
    pings = 0
    while (rest := end - time.time()) > 0:
        wire.settimeout(rest)
        try:
            message = receive(wire, transport)
        except TimeoutError:
            break
        if message.startswith(("OPTIONS ", "MESSAGE ")):
            wire.send(respond(message))
        pings += message.startswith("OPTIONS ")
        if message.startswith("MESSAGE "):
            print(f"MESSAGE after {pings} OPTIONS")
            return 0
    print(f"no MESSAGE, {pings} OPTIONS")
    return 1


if __name__ == "__main__":
    sys.exit(main())
