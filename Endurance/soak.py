#!/usr/bin/env python3
"""Mixed traffic for a long time, at a rate that the server bears with ease: calls over UDP, TCP and TLS, with digest and
from strangers, registrations with digest, messages, OPTIONS. Nothing fails, latency does not drift from the first third to
the last, and memory and open files stay where they are.

    soak.py BILOXI [MINUTES [SCALE]]     a hundred and fifty units a second times SCALE; ends with 1 when it does not hold.
                                         Drift and what is left over are judged from five minutes on."""
import contextlib
import statistics
import sys
import threading
import time

from loads import Load, Responder, files, metrics, pss, transactions
from registrants import Failure, Server, status

USERS = 40  # Who are called; who register again and again are others.
DEVICES = "127.0.0.3"
# What is begun, how often in a second, and over what.
MIX = [
    (["--calls", "--hold", "2s", "--account", "sip:u%d@sip.test"], 20, "udp"),
    (["--calls", "--hold", "2s"], 10, "udp"),
    (["--calls", "--hold", "3s", "--account", "sip:u%d@sip.test"], 10, "tcp"),
    (["--calls", "--hold", "1s"], 10, "tls"),
    (["--register", "--first-user", "41"], 20, "udp"),
    (["--register", "--first-user", "61"], 10, "tls"),
    (["--messages", "--account", "sip:u%d@sip.test"], 20, "udp"),
    (["--messages"], 10, "tcp"),
    (["--options"], 30, "udp"),
    (["--options"], 10, "tls"),
]


class Watch(threading.Thread):
    """Memory, open files and the size of the database of the server, each second."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.samples, self.is_over = server, [], False
        self.start()

    def run(self):
        database, pid = self.server.database(), self.server.process.pid
        while not self.is_over:
            try:
                pages, octets = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
                self.samples.append((pss(pid), files(pid), pages * octets / 1024))
            except OSError:
                return
            time.sleep(1)


def thirds(values):
    third = len(values) // 3
    return values[:third], values[third:2 * third], values[2 * third:]


def drift(name, seconds, is_judged):
    """The median and the 99th percentile of the seconds of the first and of the last third, in milliseconds."""
    parts = [[second["answer"] for second in part if "answer" in second] for part in (thirds(seconds)[0], thirds(seconds)[2])]
    figures = []
    for percentile in ("p50", "p99"):
        before, after = (statistics.median(answer[percentile] for answer in part) for part in parts)
        if is_judged and after > 2 * before + (1000 if percentile == "p50" else 10_000):
            raise Failure(f"{name}: {percentile} of the answers was {before} µs in the first third, {after} µs in the last")
        figures.append(f"{before / 1000:.1f}->{after / 1000:.1f}")
    return " ".join(figures)


def main(binary, minutes, scale):
    seconds = int(minutes * 60)
    loads = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            Server(binary, [f"u{number}" for number in range(1, 81)], listeners=["tls:127.0.0.1:5061"],
                   extra="http: 127.0.0.1:8089\nlogLevel: warning\n"))
        server.start()
        stack.enter_context(Responder(binary, f"udp:{DEVICES}:5070", "--answer-after", "100ms"))
        Load(server, "--register", "--contact", f"sip:u%d@{DEVICES}:5070", "--count", str(USERS), "--rate", "40", users=USERS, source=DEVICES).result()
        # From many sources, as in life, and so that each has little.
        for number, (options, rate, transport) in enumerate(MIX):
            target, users = ("sip:sip.test", 1) if "--options" in options else ("sip:u%d@sip.test", USERS)
            loads.append(Load(server, *options, "--rate", str(max(1, round(rate * scale))), "--ramp", "2s", "--for", f"{seconds}s",
                              target=target, users=20 if "--register" in options else users, source=f"127.0.1.{number + 1}",
                              transport=transport))
            stack.callback(loads[-1].stop)
        watch = Watch(server)
        results = [load.result() for load in loads]
        watch.is_over = True
        # In so short a time what other programs do to processors and disk cannot be told from a drift.
        is_judged = minutes >= 5
        print("load, per second, units, p50 and p99 of the answers in ms, first -> last third")
        units = 0
        for load, (each, whole) in zip(loads, results):
            if whole["failed"] or not whole["succeeded"]:
                raise Failure(f"{load.name}: {whole}")
            units += whole["succeeded"]
            print(f"     {load.name.split(' --for')[0]}: {whole['succeeded']}, {drift(load.name, each[2:], is_judged)}", flush=True)
        # What comes and goes has come by the end of the first third. The cache of the database takes in the records of
        # calls as they are written, up to 64 MiB: a page of 1024 octets costs 1312.
        _, middle, late = thirds(watch.samples)
        memory = [statistics.mean(sample[0] for sample in part) for part in (middle, late)]
        cached = 1.3 * (statistics.mean(sample[2] for sample in late) - statistics.mean(sample[2] for sample in middle))
        opened = [max(sample[1] for sample in part) for part in (middle, late)]
        if memory[1] > 1.05 * memory[0] + 1024 + cached:
            raise Failure(f"memory grows: {memory[0] / 1024:.1f} MB in the second third, {memory[1] / 1024:.1f} in the last, "
                          f"{cached / 1024:.1f} of it for records of calls")
        if opened[1] > opened[0] + 4:
            raise Failure(f"open files grow: {opened[0]} in the second third, {opened[1]} in the last")
        until = time.monotonic() + 45
        while is_judged and transactions(metrics()) and time.monotonic() < until:
            time.sleep(1)
        left = transactions(metrics())
        if left and is_judged:
            raise Failure(f"{left} transactions are left 45 s after the end")
        server.stop()
    print(f"ok   {minutes:g} minutes of mixed traffic: {units} units, {units / seconds:.0f}/s, none failed{', no drift' if is_judged else ''}; PSS "
          f"{memory[0] / 1024:.1f} MB in the second third, {memory[1] / 1024:.1f} in the last, {cached / 1024:.1f} of it for records; {opened[0]} and {opened[1]} files")


if __name__ == "__main__":
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 1
    sys.exit(status(main, sys.argv[1], minutes, float(sys.argv[3]) if len(sys.argv) > 3 else 1))
