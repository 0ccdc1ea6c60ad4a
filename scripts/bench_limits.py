"""Compares what `biloxi-microbench --count` counted under callgrind with the stored limits.

    bench_limits.py DIRECTORY LIMITS [--record] [--core]

DIRECTORY holds `counts`, the program's output, and callgrind's profiles, one for each counted run. Of every operation
there are two runs, the second twice as long: the difference is what the operations cost, without start and end.
"""

import json
import pathlib
import re
import sys

TOLERANCE = 0.05
# What a build of the core (--core) does not have: its limits are neither compared nor changed.
BEYOND_CORE = {"server-call", "server-message", "server-registration", "server-refresh", "server-options"}


def instructions_by_run(directory):
    found = {}
    for path in directory.glob("profile*"):
        text = path.read_text(errors="replace")
        trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
        total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
        if trigger and total:
            found[trigger[1]] = int(total[1])
    return found


def measure(directory):
    runs = instructions_by_run(directory)
    figures = {}
    for line in (directory / "counts").read_text().splitlines():
        key, operations, allocations = line.split("\t")
        try:
            instructions = runs[f"{key} 2"] - runs[f"{key} 1"]
        except KeyError:
            sys.exit(
                f"no profile of {key}: the benchmark was built without valgrind's header; install valgrind, "
                "touch Benchmarks/AllocationCounter/allocation_counter.c and run again"
            )
        figures[key] = {
            "instructions": round(instructions / int(operations)),
            "allocations": round(float(allocations), 2),
        }
    return figures


def main():
    directory, limits_path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    figures = measure(directory)
    limits = json.loads(limits_path.read_text())
    unmeasured = {key: limit for key, limit in limits.items() if "--core" in sys.argv[3:] and key in BEYOND_CORE}
    if "--record" in sys.argv[3:]:
        limits = figures | unmeasured
        limits_path.write_text(json.dumps(limits, indent=2) + "\n")
    failures = [f"{key}: has a limit and was not measured" for key in limits if key not in figures | unmeasured]
    print(f"{'operation':36} {'instructions':>12} {'limit':>8} {'change':>8} {'allocations':>12} {'limit':>6}")
    for key, figure in figures.items():
        limit = limits.get(key)
        if limit is None:
            failures.append(f"{key}: has no limit; make bench-limits-record")
            continue
        change = figure["instructions"] / limit["instructions"] - 1
        print(
            f"{key:36} {figure['instructions']:12} {limit['instructions']:8} {change:+8.1%} "
            f"{figure['allocations']:12} {limit['allocations']:6}"
        )
        if change > TOLERANCE:
            failures.append(f"{key}: {change:.1%} more instructions than the limit; {TOLERANCE:.0%} are allowed")
        if figure["allocations"] > limit["allocations"]:
            failures.append(f"{key}: {figure['allocations']} allocations, the limit is {limit['allocations']}")
    for failure in failures:
        print("FAILED", failure)
    sys.exit(1 if failures else 0)


main()
