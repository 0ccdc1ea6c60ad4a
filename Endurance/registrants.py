"""Registrants that keep book, and the server they register with: what the scripts of this folder share.

A `Registrant` is one AOR. It knows which bindings were acknowledged to it and until when, checks the list in each 200
against them, and can ask for the list at any time. What was asked for and not answered is kept in `pending`: a server
that died may have done it or not."""
import asyncio
import hashlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

DOMAIN = "sip.test"
# For a server whose clients give wrong passwords as well, all from one address, and are not to be banned for it.
FORGIVING = "bans: { wrongCredentials: 0 }\n"


class Failure(Exception):
    """Something that must hold does not."""


def status(trial, *arguments):
    """What the program of a trial ends with: 1 where it has failed, and then it says how."""
    try:
        trial(*arguments)
    except Failure as failure:
        print("\n".join([f"FAIL {failure}", *getattr(failure, "__notes__", [])]))
        return 1
    return 0


class Server:
    """`biloxi serve` with a data directory of its own, on a free port."""

    def __init__(self, binary, users, data=None, port=5060, extra="", listeners=(), address="127.0.0.1"):
        self.binary, self.port, self.tls_port, self.process = binary, port, port + 1, None
        self.work = tempfile.mkdtemp(prefix="biloxi-endurance-")
        self.data = data or os.path.join(self.work, "data")
        self.config = os.path.join(self.work, "serve.yaml")
        with open(self.config, "w") as file:
            addresses = ", ".join([f"udp:{address}:{port}", f"tcp:{address}:{port}", *listeners])
            file.write(f"domains: [{DOMAIN}]\nlisten: [{addresses}]\n{extra}")
        for user in users:
            subprocess.run([binary, "user", "add", f"{user}@{DOMAIN}", "--data", self.data, "--password-file", "-"],
                           input=f"pw-{user}\n".encode(), check=True, capture_output=True)

    def start(self):
        """Returns the seconds until it was ready."""
        began = time.monotonic()
        log = open(os.path.join(self.work, "server.log"), "ab")
        self.process = subprocess.Popen([self.binary, "serve", "--config", self.config, "--data", self.data],
                                        stdout=subprocess.PIPE, stderr=log)
        for line in self.process.stdout:
            if line.startswith(b"ready"):
                return time.monotonic() - began
        raise Failure(f"the server did not start: {self.log()[-500:]}")

    def log(self):
        path = os.path.join(self.work, "server.log")
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as file:
            return file.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it in an orderly way, and fails when it ends in another."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=60) != 0:
            raise Failure(f"the server ended with {self.process.returncode}: {self.log()[-500:]}")

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        """Whatever has happened, it runs no longer and leaves nothing; what has failed tells the end of its log."""
        if self.is_running():
            self.kill()
        if isinstance(problem, Failure):
            problem.add_note(self.log()[-1500:])
        shutil.rmtree(self.work, ignore_errors=True)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def resident(self):
        """Kilobytes that the process holds in memory."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def database(self):
        return sqlite3.connect(os.path.join(self.data, "biloxi.db"), timeout=30, isolation_level=None)


class Response:
    """A response: its status, its fields by lower-case name."""

    def __init__(self, text):
        head = text.split("\r\n\r\n")[0].split("\r\n")
        self.status, self.reason = int(head[0].split(" ")[1]), head[0].split(" ", 2)[2]
        self.fields = {}
        for line in head[1:]:
            name, value = line.split(":", 1)
            self.fields.setdefault(name.strip().lower(), []).append(value.strip())
        self.at = time.time()

    def bindings(self):
        """The URI of each contact, and when it ends (seconds since 1970)."""
        found = {}
        for value in self.fields.get("contact", []):
            for contact in re.findall(r"<([^>]*)>([^,]*)", value):
                found[contact[0]] = self.at + int(re.search(r"expires=(\d+)", contact[1]).group(1))
        return found


class Registrant(asyncio.DatagramProtocol):
    """One AOR on a UDP socket of its own."""

    def __init__(self, user, port, seed=0):
        self.user, self.port, self.dice = user, port, random.Random(f"{seed} {user}")
        self.call_id, self.cseq = f"{user}-{seed}@endurance", 0
        self.bindings, self.pending, self.challenge, self.count = {}, None, None, 0
        self.answers = {}
        self.refusals = {}
        self.longest = 0.0

    @classmethod
    async def make(cls, user, port, seed=0):
        loop = asyncio.get_running_loop()
        _, self = await loop.create_datagram_endpoint(
            lambda: cls(user, port, seed), local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", port))
        return self

    def connection_made(self, transport):
        self.wire = transport
        self.local = "%s:%d" % transport.get_extra_info("sockname")

    def datagram_received(self, octets, _):
        text = octets.decode()
        if not text.startswith("SIP/2.0"):
            return self.answer(text)
        response = Response(text)
        if response.status < 200:
            return
        waiting = self.answers.pop(int(response.fields["cseq"][0].split()[0]), None)
        if waiting and not waiting.done():
            waiting.set_result(response)

    def answer(self, text):
        """A keep-alive of the server."""
        kept = [line for line in text.split("\r\n")[1:] if re.match(r"(?i)(via|from|to|call-id|cseq):", line)]
        self.wire.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode())

    def error_received(self, _):
        pass  # Nobody listens: the server is gone.

    def authorization(self, password):
        realm, nonce, algorithm = (re.search(rf'{name}="?([^",]+)', self.challenge).group(1)
                                   for name in ("realm", "nonce", "algorithm"))
        digest = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]
        h = lambda text: digest(text.encode()).hexdigest()
        self.count += 1
        count, cnonce, uri = f"{self.count:08x}", f"{self.dice.getrandbits(32):x}", f"sip:{DOMAIN}"
        answer = h(f"{h(f'{self.user}:{realm}:{password}')}:{nonce}:{count}:{cnonce}:auth:{h(f'REGISTER:{uri}')}")
        return (f'Authorization: Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
                f'response="{answer}", algorithm={algorithm}, cnonce="{cnonce}", qop=auth, nc={count}')

    async def send(self, fields, password, cseq=None, patience=32):
        """One REGISTER, sent again as Timer E says, and its final response."""
        if cseq is None:
            self.cseq += 1
        number = cseq or self.cseq
        lines = [f"REGISTER sip:{DOMAIN} SIP/2.0",
                 f"Via: SIP/2.0/UDP {self.local};rport;branch=z9hG4bK{os.urandom(8).hex()}", "Max-Forwards: 70",
                 f"From: <sip:{self.user}@{DOMAIN}>;tag=1", f"To: <sip:{self.user}@{DOMAIN}>",
                 f"Call-ID: {self.call_id}", f"CSeq: {number} REGISTER", *fields]
        if self.challenge:
            lines.append(self.authorization(password))
        message = "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()
        waiting = self.answers[number] = asyncio.get_running_loop().create_future()
        began, pause = time.monotonic(), 0.5
        while True:
            self.wire.sendto(message)
            try:
                # Not wait_for, which may take an answer and forget that its task was cancelled.
                async with asyncio.timeout(pause):
                    answer = await asyncio.shield(waiting)
                self.longest = max(self.longest, time.monotonic() - began)
                return answer
            except TimeoutError:
                pause = min(2 * pause, 4)
                if time.monotonic() - began > patience:
                    raise Failure(f"{self.user}: no final answer to a REGISTER within {patience} s") from None

    async def register(self, fields, password=None):
        """A REGISTER with credentials: the answer to the last challenge, and once more when there is a new one."""
        password = password or f"pw-{self.user}"
        answer = await self.send(fields, password)
        for _ in range(2):
            if answer.status != 401:
                break
            challenges = answer.fields["www-authenticate"]
            stale = any("stale=true" in challenge for challenge in challenges)
            if self.challenge and not stale and password != f"pw-{self.user}":
                break  # They were wrong, as they were meant to be.
            self.challenge = next(c for c in challenges if re.search(r"algorithm=(MD5|SHA-256),", c + ","))
            self.count = 0
            answer = await self.send(fields, password)
        return answer

    async def change(self, fields, after):
        """A REGISTER that leads from `bindings` to `after`, a function of the moment, and the check of what it answers."""
        self.pending = after
        asked = time.time()
        answer = await self.register(fields)
        if answer.status == 200:
            # The time runs from when the server got it, which is earlier where the disk was slow.
            self.bindings = self.compare(answer, [after(answer.at), after(asked)], "the 200 lists")
            self.pending = None
        else:
            self.pending = None
            self.refusals[answer.status] = self.refusals.get(answer.status, 0) + 1
        return answer

    def compare(self, answer, allowed, what):
        """Whether an answer lists one of the sets that are allowed, each binding with its expiry (within two seconds)."""
        found = answer.bindings()
        for expected in allowed:
            live = {uri: end for uri, end in expected.items() if end > answer.at + 2}
            dead = {uri for uri, end in expected.items() if end <= answer.at + 2}
            if set(live) == set(found) - dead and all(abs(found[uri] - end) <= 2.5 for uri, end in live.items()):
                return expected
        relative = lambda sets: {uri: round(end - answer.at) for uri, end in sets.items()}
        raise Failure(f"{self.user}: {what} {relative(found)}, not {' or '.join(str(relative(s)) for s in allowed)}")

    async def check(self, what="after the start there are"):
        """Asks for the bindings. They must be those that were acknowledged, or those that an unanswered REGISTER led to."""
        answer = await self.register([])
        if answer.status != 200:
            raise Failure(f"{self.user}: the list is refused: {answer.status} {answer.reason}")
        allowed = [self.bindings]
        if self.pending:
            allowed += [self.pending(moment) for moment in (answer.at, self.asked)]
        self.bindings, self.pending = self.compare(answer, allowed, what), None
        # From here on the server's own figures, so that rounding does not add up.
        self.bindings = answer.bindings()

    async def step(self):
        """Something that a device does, chosen by chance. What must be refused is counted by its status."""
        self.asked = time.time()
        dice, now = self.dice, dict(self.bindings)
        kind = dice.random()
        if kind < 0.06:
            answer = await self.register([f"Contact: <sip:{self.user}@192.0.2.66:6>;expires=600"], password="wrong")
            if answer.status not in (401, 403):
                raise Failure(f"{self.user}: a wrong password is answered {answer.status} {answer.reason}")
        elif kind < 0.10:
            answer = await self.register([f"Contact: <sip:{self.user}@192.0.2.66:7>;expires=5"])
            if answer.status != 423:
                raise Failure(f"{self.user}: an interval of 5 s is answered {answer.status} {answer.reason}")
        elif kind < 0.15 and now:
            await self.change(["Contact: *", "Expires: 0"], lambda at: {})
        elif kind < 0.35 and now:
            uri = dice.choice(sorted(now))
            left = {other: end for other, end in now.items() if other != uri}
            await self.change([f"Contact: <{uri}>;expires=0"], lambda at: left)
        elif kind < 0.45:
            # Two contacts in one REGISTER: both or neither.
            uris = [f"sip:{self.user}@192.0.2.{number}:5060" for number in dice.sample(range(1, 5), 2)]
            expires = dice.randint(60, 7000)
            await self.change([f"Contact: <{uris[0]}>;q=0.5, <{uris[1]}>", f"Expires: {expires}"],
                              lambda at: now | {uri: at + expires for uri in uris})
        else:
            uri, expires = f"sip:{self.user}@192.0.2.{dice.randint(1, 4)}:5060", dice.randint(60, 7000)
            await self.change([f"Contact: <{uri}>;expires={expires}"], lambda at: now | {uri: at + expires})
