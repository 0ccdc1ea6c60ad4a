#!/usr/bin/env python3
"""A UDP phone of few words for the NAT test: it registers once, answers OPTIONS, and waits for a MESSAGE.

    nat_phone.py SERVER-HOST:PORT USER SECONDS     ends with 0 when a MESSAGE came in time, with 1 when none did
    nat_phone.py SERVER-HOST:PORT USER --send      sends a MESSAGE to USER and prints the final answer
"""
import os, re, socket, sys, time

DOMAIN = "sip.test"


def request(method, uri, user, local, fields):
    return "\r\n".join([
        f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {local};rport;branch=z9hG4bK{os.urandom(8).hex()}",
        "Max-Forwards: 70", f"From: <sip:{user}@{DOMAIN}>;tag={os.urandom(4).hex()}",
        f"Call-ID: {os.urandom(8).hex()}", f"CSeq: 1 {method}", *fields, "Content-Length: 0", "", ""]).encode()


def respond(message):
    kept = [line for line in message.split("\r\n")[1:] if re.match(r"(?i)(via|from|call-id|cseq):", line)]
    to = re.search(r"(?im)^To: (.*?)\r$", message).group(1)
    return "\r\n".join(["SIP/2.0 200 OK", *kept, f"To: {to};tag=1", "Content-Length: 0", "", ""]).encode()


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    user = sys.argv[2]
    wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
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
        f"To: <sip:{user}@{DOMAIN}>", f"Contact: <sip:{user}@{local}>", "Expires: 600"]))
    assert wire.recv(65536).startswith(b"SIP/2.0 200 "), "REGISTER"
    print("registered", flush=True)
    end = time.time() + float(sys.argv[3])
    pings = 0
    while (rest := end - time.time()) > 0:
        wire.settimeout(rest)
        try:
            message = wire.recv(65536).decode()
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
