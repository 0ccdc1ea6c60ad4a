#!/usr/bin/env python3
"""Calls and registrations over a wire that loses, doubles, delays and so reorders packets. Clients and server have a network
each, and what passes between them passes through this program. A call comes about, or the caller is told why it does not,
within the time that his timers allow; when all is over no transaction is left. Needs root, for the networks.

    wire.py BILOXI [SECONDS [PERCENT...]]      of loads at each loss; ends with 1 when something of that does not hold"""
import array
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

from loads import Load, Responder, metrics, transactions
from registrants import Failure, Server, status

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


class Network:
    """A network namespace, which lives as long as a process in it."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{self.process.pid}/ns/net") == own:
            time.sleep(0.01)
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command):
        run("nsenter", "-n", "-t", str(self.process.pid), *command)

    def __enter__(self):
        """The calling thread is in it until the end of the block, and so is what it starts."""
        self.outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with open(f"/proc/{self.process.pid}/ns/net") as inside:
            Network.enter(inside.fileno())

    def __exit__(self, *_):
        Network.enter(self.outside)
        os.close(self.outside)

    @staticmethod
    def enter(number):
        if ctypes.CDLL(None, use_errno=True).setns(number, 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")

    def end(self):
        self.process.kill()
        self.process.wait()


def write_checksums(name):
    """Has the kernel compute the checksums of what an interface sends, which else nobody does between two of one machine."""
    wish = array.array("I", [0x17, 0])  # ETHTOOL_STXCSUM
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
        fcntl.ioctl(any, 0x8946, struct.pack("16sP", name.encode(), wish.buffer_info()[0]))  # SIOCETHTOOL


class Wire(threading.Thread):
    """Two interfaces, and what becomes of frames between them."""

    def __init__(self, names, seed):
        super().__init__(daemon=True)
        self.ends = []
        for name in names:
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            end.bind((name, 0))
            self.ends.append(end)
        self.loss, self.dice, self.passed, self.lost, self.doubled = 0.0, random.Random(seed), 0, 0, 0
        self.start()

    def run(self):
        try:
            self.carry()
        except OSError:
            pass  # The networks are gone: all is over.

    def carry(self):
        late, number = [], 0
        while True:
            pause = max(0, late[0][0] - time.monotonic()) if late else 1
            for end in select.select(self.ends, [], [], pause)[0]:
                frame, origin = end.recvfrom(65536)
                if origin[2] == socket.PACKET_OUTGOING:
                    continue
                other = self.ends[1 - self.ends.index(end)]
                if not self.loss or frame[12:14] != b"\x08\x00":  # ARP passes.
                    other.send(frame)
                    continue
                if self.dice.random() < self.loss:
                    self.lost += 1
                    continue
                copies = 2 if self.dice.random() < self.loss / 3 else 1
                self.doubled += copies - 1
                for _ in range(copies):
                    number += 1
                    heapq.heappush(late, (time.monotonic() + self.dice.uniform(0.001, 0.03), number, other, frame))
            while late and late[0][0] <= time.monotonic():
                _, _, other, frame = heapq.heappop(late)
                self.passed += 1
                other.send(frame)


def judge(server, networks, wire, percent, seconds):
    wire.loss, wire.passed, wire.lost, wire.doubled = percent / 100, 0, 0, 0
    with networks[1]:
        loads = [Load(server, *options, "--for", f"{seconds}s", source=CLIENT, transport=transport, proxy=f"{SERVER}:5060")
                 for options, transport in [
                     (["--calls", "--hold", "1s", "--rate", "15", "--ring-for", "60s"], "udp"),
                     (["--calls", "--hold", "1s", "--rate", "3", "--ring-for", "60s"], "tcp"),
                     (["--register", "--contact", f"sip:u%d@{CLIENT}:5070", "--rate", "10"], "udp"),
                     (["--messages", "--rate", "10"], "udp")]]
    began = time.monotonic()
    counts = []
    for load in loads:
        _, whole = load.result(may_fail=True)
        ended = whole["succeeded"] + whole["failed"]
        if ended != whole["started"]:
            raise Failure(f"{percent} %: {load.name}: of {whole['started']} only {ended} came to an end")
        # Each hop has seven tries, of which each needs two packets to pass: at 30 % one in a hundred has bad luck.
        if whole["timedOut"] + whole["unreachable"] > 0.05 * whole["started"]:
            raise Failure(f"{percent} %: {load.name}: {whole}")
        # 481 is what who is called says to a BYE that comes again since its 200 was lost: he keeps no transaction for it.
        clear = ("200", "401", "407", "408", "480", "481", "487", "503", "504")
        unclear = {status for status in whole["statuses"] if status not in clear}
        if unclear:
            raise Failure(f"{percent} %: {load.name}: answered {unclear}")
        refused = whole["failed"] - whole["timedOut"]
        counts.append(f"{whole['started']} {load.name.split()[0][2:]} over {load.name.split()[-1]}"
                      f" ({whole['succeeded']} 200, {refused} refused, {whole['timedOut']} without an answer in 64*T1)")
    seconds = time.monotonic() - began
    passed, lost, doubled = wire.passed, wire.lost, wire.doubled
    wire.loss = 0.0
    # 64*T1 after the last of them, and what was answered late may take as long again.
    until = time.monotonic() + 75
    with networks[0]:
        while transactions(metrics()) and time.monotonic() < until:
            time.sleep(0.5)
        figures = metrics()
    if transactions(figures):
        raise Failure(f"{percent} %: {transactions(figures)} transactions are left")
    print(f"ok   {percent} % lost: {'; '.join(counts)}; {passed} packets passed, {doubled} twice, {lost} lost; all over after "
          f"{seconds:.0f} s, no transaction left; {figures.get('biloxi_calls_open', 0):.0f} calls whose BYE never came", flush=True)


def main(binary, seconds, losses):
    with contextlib.ExitStack() as stack:
        networks = [Network(), Network()]
        for network in networks:
            stack.callback(network.end)
        # In the middle, this program; at each end a network with one address.
        for number, (network, address) in enumerate(zip(networks, (SERVER, CLIENT))):
            run("ip", "link", "add", f"end{number}", "type", "veth", "peer", "name", f"middle{number}")
            write_checksums(f"end{number}")
            run("ip", "link", "set", f"middle{number}", "up")
            run("ip", "link", "set", f"end{number}", "netns", str(network.process.pid))
            network.run("ip", "addr", "add", f"{address}/24", "dev", f"end{number}")
            network.run("ip", "link", "set", f"end{number}", "up")
        wire = Wire(["middle0", "middle1"], 7)
        server = stack.enter_context(
            Server(binary, [], address=SERVER, extra="http: 127.0.0.1:8089\nauthentication: { required: false }\nlogLevel: warning\n"))
        with networks[0]:
            server.start()
        with networks[1]:
            stack.enter_context(Responder(binary, f"udp:{CLIENT}:5070", "--answer-after", "200ms"))
            Load(server, "--register", "--contact", f"sip:u%d@{CLIENT}:5070", "--count", "20", "--rate", "40", source=CLIENT,
                 proxy=f"{SERVER}:5060").result()
        for percent in losses:
            judge(server, networks, wire, percent, seconds)
        server.stop()


if __name__ == "__main__":
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    sys.exit(status(main, sys.argv[1], seconds, [int(argument) for argument in sys.argv[3:]] or [30]))
