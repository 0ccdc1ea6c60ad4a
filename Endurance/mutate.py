#!/usr/bin/env python3
"""Mutated flows against the running server: registrations, calls, cancelled calls, messages, torture messages, over UDP,
TCP and WebSocket, with digest, forked to three devices. All the while others register and call without a failure; the
process lives to the end, its memory and open files stop growing, and when all is over nothing of it is left.

    mutate.py BILOXI [FLOWS [SEED]]      so many flows with at least one mutated message; ends with 1 when something of that
                                         does not hold. With fewer than a hundred thousand, what is left is not waited for; in
                                         less than ten minutes, growth is not judged."""
import contextlib
import os
import random
import sys
import time

from flows import Siege
from loads import Load, Responder, files, metrics, pss, transactions
from mutations import Mutator
from registrants import Failure, Server, status

HERE = os.path.dirname(os.path.abspath(__file__))
TORTURE = os.path.join(HERE, "../Tests/SIPMessagesTests/Torture")
# Of what goes wrong with so many broken messages from one address nothing is to be learnt when they are dropped unread.
EXTRA = """http: 127.0.0.1:8089
bans: { wrongCredentials: 0, malformed: 0 }
callRecords: { longestCall: 60 }
registrar: { minExpires: 1, defaultExpires: 30 }
logLevel: warning
"""
HONEST = "127.0.0.2"
CALLERS = [f"u{number}" for number in range(20, 40)]


def torture_messages():
    found = []
    for folder in ("rfc4475", "rfc5118"):
        path = os.path.join(TORTURE, folder)
        for name in sorted(os.listdir(path)):
            if name.endswith(".dat"):
                with open(os.path.join(path, name), "rb") as file:
                    found.append(file.read())
    return found


class Honest:
    """Others, at another address, who register and call, one round after the other."""

    def __init__(self, server):
        self.server, self.rounds, self.running, self.next = server, 0, None, 0

    def look(self):
        """Begins what is next when what was before it has ended well."""
        if self.running:
            if self.running.process.poll() is None:
                return
            self.running.result()
            self.rounds += self.next == 0
        options = [["--register", "--count", "3", "--rate", "30", "--contact", f"sip:u%d@{HONEST}:5070"],
                   ["--calls", "--count", "5", "--rate", "30", "--account", "sip:u%d@sip.test"]][self.next]
        self.running, self.next = Load(self.server, *options, users=3, source=HONEST), 1 - self.next

    def stop(self):
        if self.running:
            self.running.stop()


def look(server):
    if not server.is_running():
        raise Failure(f"the server has ended with {server.process.returncode}")
    pid = server.process.pid
    return pss(pid), files(pid)


def settle(server, seconds):
    """Waits until no transaction is left."""
    until = time.monotonic() + seconds
    while True:
        left = transactions(metrics())
        if not left or time.monotonic() > until:
            return left
        time.sleep(1)


def main(binary, flows, seed):
    mutate = Mutator(seed)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            Server(binary, ["u1", "u2", "u3", "u9", *CALLERS], extra=EXTRA, listeners=["ws:127.0.0.1:5080"]))
        server.start()
        stack.enter_context(Responder(binary, f"udp:{HONEST}:5070"))
        honest = Honest(server)
        stack.callback(honest.stop)
        siege = Siege(server.port, 5080, CALLERS, mutate, torture_messages())
        for device in siege.devices:
            Load(server, "--register", "--count", "1", "--rate", "30", "--expires", "7200s", "--contact",
                 f"sip:u9@{device.local.decode()}", "--first-user", "9", users=1, source="127.0.0.1").result()
        began, looked, samples = time.monotonic(), 0, []
        while siege.mutated < flows:
            siege.step()
            if siege.now - looked > 1:
                looked = siege.now
                samples.append((siege.mutated, *look(server)))
                honest.look()
                if len(samples) % 60 == 0:
                    print(f"{siege.mutated} mutated flows after {siege.now - began:.0f} s, {siege.messages} messages, "
                          f"PSS {samples[-1][1] // 1024} MB, {samples[-1][2]} files, others served {honest.rounds} times", flush=True)
        seconds = time.monotonic() - began
        honest.running.result()
        # After four minutes (timer C, 64*T1, the longest call) each table holds what comes and goes, and grows no more.
        middle = [sample for sample in samples if 0.4 <= sample[0] / flows < 0.6] or samples
        late = [sample for sample in samples if sample[0] / flows >= 0.8] or samples
        grown = max(s[1] for s in late) / max(s[1] for s in middle) - 1
        if seconds >= 600 and (grown > 0.1 or max(s[2] for s in late) > max(s[2] for s in middle) + 20):
            raise Failure(f"it grows: {middle[-1]} in the middle, {late[-1]} at the end (flows, kB, files)")
        left = settle(server, 300 if flows >= 100_000 else 0)
        if flows >= 100_000 and left:
            raise Failure(f"{left} transactions are left after five minutes")
        files = look(server)[1]
        server.stop()
    succeeded = ", ".join(f"{method.decode()} {count}" for (method, kind), count in sorted(siege.answers.items()) if kind == 2)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(siege.kinds.items()))
    print(f"ok   {siege.mutated} mutated flows ({kinds}; {siege.messages} messages sent, answered with 2xx: {succeeded}; seed {seed}) in {seconds:.0f} s: the server lives, "
          f"and hangs nowhere; others served {honest.rounds} times without a failure; PSS {samples[0][1] // 1024} MB at first, "
          f"{max(s[1] for s in middle) // 1024} in the middle, {max(s[1] for s in late) // 1024} late; files {samples[0][2]}, {files}; "
          f"{left} transactions left")


if __name__ == "__main__":
    flows = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    sys.exit(status(main, sys.argv[1], flows, seed))
