"""Loads of `biloxi load` that run beside each other, and what is to be seen of the server meanwhile."""
import json
import os
import subprocess
import tempfile
import time
import urllib.request

from registrants import Failure


class Load:
    """One load, of users u1, u2, … whose passwords are pw-u1, pw-u2, …, from an address of its own."""

    def __init__(self, server, *options, target="sip:u%d@sip.test", users=20, source="127.0.0.2", transport="udp", proxy=None):
        port = server.tls_port if transport == "tls" else server.port
        self.name = " ".join([*options, transport])
        command = [server.binary, "load", target, "--proxy", proxy or f"127.0.0.1:{port}", "--via", transport, "--local",
                   source, "--users", str(users), "--sockets", "2", "--json", *options]
        if "--register" in options or "--account" in options:
            path = os.path.join(server.work, "password")
            if not os.path.exists(path):  # Another load may be reading it.
                with open(path, "w") as file:
                    file.write("pw-u%d\n")
            command += ["--password-file", path]
        if transport == "tls":
            command.append("--insecure")
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=self.output, stderr=subprocess.STDOUT)

    def result(self, may_fail=False):
        """What each second was like, and the whole."""
        self.process.wait(timeout=4000)
        self.output.seek(0)
        lines = self.output.read().decode().splitlines()
        objects = [json.loads(line) for line in lines if line.startswith("{")]
        whole = [found for found in objects if "perSecond" in found]
        if not whole or (self.process.returncode and not may_fail):
            raise Failure(f"{self.name}: {whole[0] if whole else ' '.join(lines)[-600:]}")
        return [found for found in objects if "second" in found], whole[0]

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Responder:
    """Who answers calls and messages, until the end of the block."""

    def __init__(self, binary, address, *options):
        self.process = subprocess.Popen([binary, "load", "--respond", "--local", address, *options],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def pss(pid):
    """Kilobytes of memory, a page that several have shared among them."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def metrics(address="127.0.0.1:8089"):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def transactions(figures):
    return int(sum(value for name, value in figures.items() if name.startswith("biloxi_transactions")))
