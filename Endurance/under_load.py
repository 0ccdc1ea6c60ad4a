#!/usr/bin/env python3
"""What operators do while calls come: a thousand a second, each held for two seconds. A configuration that is read again
ten times fails none of them. A restart (SIGTERM, then start) loses no call that is up and no registration; a call that is
being set up then ends with 503, or comes about by retransmission. KIT names the folder of the load generator.

    under_load.py BILOXI [RATE]      ends with 1 when something of that does not hold"""
import json
import os
import subprocess
import sys
import time

from registrants import Failure, Server, status

KIT = os.environ.get("KIT") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../shared/bench")
USERS = 200


class Load:
    """The kit's generator: calls between registered users. Its branches are the same in each run, so that one that follows
    another must come from other ports: else its requests would be retransmissions."""

    def __init__(self, work, port, rate, seconds, base, hold=2000):
        self.path = os.path.join(work, "load.json")
        generator = os.path.join(work, "sipload")
        if not os.path.exists(generator):
            subprocess.run(["gcc", "-O2", "-o", generator, os.path.join(KIT, "sipload.c"), "-lssl", "-lcrypto", "-lm"],
                           check=True)
        self.process = subprocess.Popen(
            [generator, "--workload", "invite", "--server", f"127.0.0.1:{port}", "--domain", "sip.test", "--users",
             str(USERS), "--prefill", "1", "--rate", str(rate), "--duration", str(seconds), "--warmup", "1", "--hold-ms",
             str(hold), "--socks", "8", "--inflight", "64", "--uac-port", str(base), "--json", self.path],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def result(self):
        errors = self.process.communicate(timeout=120)[1]
        if self.process.returncode != 0:
            raise Failure(f"the generator ended with {self.process.returncode}: {errors[-300:]}")
        with open(self.path) as file:
            return json.load(file)


def reload(binary, server, rate):
    load = Load(server.work, server.port, rate, 12, 15000)
    time.sleep(3)
    for _ in range(10):
        answer = subprocess.run([binary, "reload", "--data", server.data], capture_output=True)
        if answer.returncode != 0:
            raise Failure(f"reload: {answer.stderr.decode()}")
        time.sleep(0.7)
    result = load.result()
    if result["failed"]:
        raise Failure(f"reload: {result['failed']} of {result['started']} calls failed: {result['codes']}")
    print(f"ok   ten reloads under {rate} calls/s: {result['started']} calls, none failed, "
          f"{result['retrans']} retransmissions", flush=True)


def restart(binary, server, rate):
    bindings = lambda: server.database().execute("SELECT count(*) FROM bindings").fetchone()[0]
    load = Load(server.work, server.port, rate, 14, 17000)
    time.sleep(6)
    before = bindings()
    began = time.monotonic()
    server.stop()
    stopped = time.monotonic()
    server.start()
    ready = time.monotonic()
    result = load.result()
    if bindings() != before:
        raise Failure(f"restart: {before} bindings before, {bindings()} after it")
    answers = {code: count for code, count in result["codes"].items() if count}
    others = {code: count for code, count in answers.items() if code != "503"}
    if others or result["timeouts"]:
        raise Failure(f"restart: {result['timeouts']} calls without an answer, answers {answers}")
    print(f"ok   a restart under {rate} calls/s: {result['started']} calls, {answers.get('503', 0)} of them refused with 503, "
          f"none lost; it stopped within {stopped - began:.2f} s and was ready {ready - stopped:.2f} s later", flush=True)


def main(binary, rate):
    with Server(binary, [], extra="authentication: { required: false }\nlogLevel: warning\n") as server:
        server.start()
        reload(binary, server, rate)
        restart(binary, server, rate)
        server.stop()


if __name__ == "__main__":
    sys.exit(status(main, sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000))
