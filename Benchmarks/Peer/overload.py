#!/usr/bin/env python3
"""What is left of the server's work when more comes than it can do, by the benchmark kit's generator.

    overload.py [BILOXI]     KIT names the folder of the kit; two cores: the generator's and the server's

First the knee: the highest rate of calls at which fewer than one in a thousand fails. Then three times as many, and how
many of those come about. Then half the knee, alone and beside a source that floods the server with OPTIONS."""
import atexit
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KIT = os.environ.get("KIT") or os.path.join(HERE, "../../../shared/bench")
FIRST = ["chrt", "-f", "10"] if os.environ.get("REALTIME") else []
PORT = 15570


def generator(work):
    path = os.path.join(work, "sipload")
    subprocess.run(["gcc", "-O2", "-o", path, os.path.join(KIT, "sipload.c"), "-lssl", "-lcrypto", "-lm"], check=True)
    return path


def start(work):
    environment = os.environ | {
        "BENCH_DIR": work, "BENCH_HOST": "127.0.0.1", "BENCH_PORT": str(PORT), "BENCH_DOMAIN": "bench.test",
        "BENCH_TRANSPORT": "udp", "BENCH_AUTH": "0"}
    server = subprocess.Popen([*FIRST, "taskset", "-c", "1", os.path.join(HERE, "biloxi.sh")], env=environment)
    atexit.register(server.kill)
    time.sleep(2)
    return server


def load(sipload, work, name, server, workload, rate, seconds, *more):
    path = os.path.join(work, f"{name}.json")
    return path, subprocess.Popen(
        [*FIRST, sipload, "--workload", workload, "--server", f"127.0.0.1:{PORT}", "--domain", "bench.test", "--users", "1000",
         "--rate", str(rate), "--duration", str(seconds), "--warmup", "1", "--socks", "8", "--inflight", "64", "--cpu", "0",
         "--pid", str(server.pid), "--json", path, *more], stdout=subprocess.DEVNULL)


def run(*arguments):
    path, process = load(*arguments)
    process.wait(timeout=120)
    if process.returncode != 0:
        sys.exit("the generator has given up: what it says stands above")
    with open(path) as file:
        return json.load(file)


def line(what, result):
    codes = " ".join(f"{count} x {code}" for code, count in result["codes"].items()) or "none"
    setup = result.get("setup_us", {})
    print(f"{what}: {result['rate']:.0f}/s offered, {result['ok'] / result['window_s']:.0f}/s done, "
          f"{result['fail_ratio']:.4f} failed ({codes}, {result['timeouts']} timeouts), server "
          f"{result['server_cpu_pct']:.0f} %, generator {result['gen_cpu_pct']:.0f} %, "
          f"set up within {setup.get('p50', 0) / 1000:.1f} ms, 99 % within {setup.get('p99', 0) / 1000:.1f} ms", flush=True)


def main():
    os.environ.setdefault("BILOXI", sys.argv[1] if len(sys.argv) > 1 else "biloxi")
    with tempfile.TemporaryDirectory() as work:
        sipload = generator(work)
        measure(work, sipload)


def measure(work, sipload):
    knee, rate = 0, 1000
    while True:
        server = start(work)
        result = run(sipload, work, "knee", server, "invite", rate, 4)
        server.terminate()
        server.wait()
        line("towards the knee", result)
        if result["fail_ratio"] >= 0.001:
            break
        knee, rate = rate, int(rate * 1.5)
    if knee == 0:
        sys.exit("no rate without failures: the machine has too much other work")
    server = start(work)
    result = run(sipload, work, "overload", server, "invite", 3 * knee, 10)
    line("three times the knee", result)
    print(f"goodput {result['ok'] / result['window_s'] / knee:.2f} of the knee", flush=True)
    line("half of it, right after", run(sipload, work, "after", server, "invite", knee // 2, 5))
    line("half of it, alone", run(sipload, work, "alone", server, "invite", knee // 2, 5))
    _, flood = load(sipload, work, "flood", server, "options", 60_000, 8, "--local", "127.0.0.2", "--prefill", "0",
                    "--uac-port", "30000")
    time.sleep(2)
    line("half of it, beside a flood", run(sipload, work, "beside", server, "invite", knee // 2, 5))
    flood.wait(timeout=60)
    server.terminate()
    server.wait()


if __name__ == "__main__":
    main()
