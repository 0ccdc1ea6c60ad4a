#!/usr/bin/env python3
"""Makes docs/CONFORMANCE.md from the tables in docs/conformance/, and checks them and the tests that docs/SECURITY.md names.

    scripts/conformance.py              writes docs/CONFORMANCE.md
    scripts/conformance.py --check      fails when the page is not what the tables say, or a row names what is not there
    scripts/conformance.py --ran XML    fails when a test that a row names is not among those that ran and passed

A test is named TARGET.SUITE/FUNCTION, a case with a foreign program SUITE:CASE, where Interop/SUITE.sh or a flow that it
runs has the case.
"""

import pathlib
import re
import sys
import tomllib
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "CONFORMANCE.md"
SECURITY = ROOT / "docs" / "SECURITY.md"
ROLES = {"generates", "understands", "relays"}
KEYS = {"rfc", "section", "does", "where", "tests", "peers"}
STATUS_KEYS = {"code", "phrase", "we", "how", "tests"}


def load(name):
    with open(ROOT / "docs" / "conformance" / f"{name}.toml", "rb") as file:
        return tomllib.load(file)[name]


def tests_in_sources():
    """Every test as TARGET.SUITE/FUNCTION, with its sentence."""
    found = {}
    for path in (ROOT / "Tests").rglob("*.swift"):
        target = path.relative_to(ROOT / "Tests").parts[0]
        suite = None
        sentence = None
        waits = False
        text = path.read_text()
        pattern = re.compile(
            r"^(?:extension|(?:public |final )*(?:struct|class|actor|enum)) (\w+)|@Test\b(?:\(\s*\"((?:[^\"\\]|\\.)*)\")?|func (\w+)",
            re.M,
        )
        for match in pattern.finditer(text):
            if match[1]:
                suite = match[1]
            elif match[0].startswith("@Test"):
                sentence, waits = match[2], True
            elif waits:
                found[f"{target}.{suite}/{match[3]}"] = sentence or match[3]
                waits = False
    return found


def interop_cases():
    return {path.stem: path.read_text() for path in (ROOT / "Interop").glob("*.sh")}


def tests_of_security():
    """The tests that docs/SECURITY.md names."""
    return re.findall(r"`(\w+\.\w+/\w+)`", SECURITY.read_text())


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def named(row):
    parts = [f"`{test}`" for test in row.get("tests", [])]
    return "<br>".join(parts)


def page(rfcs, statuses):
    lines = [
        "# Conformance",
        "",
        "Made by `scripts/conformance.py` from the tables in `docs/conformance/`; `make conformance` checks that every",
        "test named here exists, has run and has passed. A row says no more than its tests show.",
        "",
        "## Standards",
        "",
        "| RFC | section | what we do | where | tests | foreign programs |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in sorted(rfcs, key=lambda row: (row["rfc"], [int(n) if n.isdigit() else 0 for n in re.split(r"\D+", row.get("section", "0"))])):
        section = f"§{row['section']}" if row.get("section") else ""
        where = "<br>".join(f"`{place}`" for place in row["where"])
        peers = "<br>".join(row.get("peers", []))
        lines.append(f"| {row['rfc']} | {section} | {cell(row['does'])} | {where} | {named(row)} | {peers} |")
    lines += [
        "",
        "## Status codes of RFC 3261 §21",
        "",
        "*Generates*: some role of ours answers with it. *Understands*: a role of ours acts on it. *Relays*: the proxy passes",
        "it on.",
        "",
        "| status | we | how | tests |",
        "| --- | --- | --- | --- |",
    ]
    for row in sorted(statuses, key=lambda row: row["code"]):
        lines.append(
            f"| {row['code']} {cell(row['phrase'])} | {', '.join(row['we'])} | {cell(row.get('how', ''))} | {named(row)} |"
        )
    return "\n".join(lines) + "\n"


def problems(rfcs, statuses):
    tests, cases = tests_in_sources(), interop_cases()
    for row in rfcs + statuses:
        name = f"RFC {row['rfc']} {row.get('section', '')}".strip() if "rfc" in row else f"status {row['code']}"
        for key in sorted(set(row) - (KEYS if "rfc" in row else STATUS_KEYS)):
            yield f"{name}: there is no key {key}"
        if not row.get("tests"):
            yield f"{name}: says something and names no test"
        for test in row.get("tests", []):
            if test not in tests:
                yield f"{name}: there is no test {test}"
        for place in row.get("where", []):
            if not (ROOT / "Sources" / place).exists():
                yield f"{name}: there is no Sources/{place}"
        for peer in row.get("peers", []):
            suite, _, case = peer.partition(":")
            words = [word for word in re.split(r"[\s]+", case.strip()) if word]
            if suite not in cases or not words or words[0] not in cases[suite]:
                yield f"{name}: Interop/{suite}.sh has no case {case.strip()}"
        if "code" in row and not set(row["we"]) <= ROLES:
            yield f"{name}: we generate, understand or relay; not {row['we']}"
    for test in tests_of_security():
        if test not in tests:
            yield f"docs/SECURITY.md: there is no test {test}"


def ran(path, rfcs, statuses):
    passed = set()
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is None and case.find("skipped") is None:
            passed.add(f"{case.get('classname')}/{case.get('name').partition('(')[0]}")
    for test in [test for row in rfcs + statuses for test in row.get("tests", [])] + tests_of_security():
        if test not in passed:
            yield f"{test} has not run, or has failed"


def main():
    rfcs, statuses = load("rfc"), load("status")
    found = list(problems(rfcs, statuses))
    text = page(rfcs, statuses)
    if "--check" in sys.argv[1:]:
        if not PAGE.exists() or PAGE.read_text() != text:
            found.append("docs/CONFORMANCE.md is not what the tables say: run scripts/conformance.py")
    elif "--ran" in sys.argv[1:]:
        found += ran(sys.argv[sys.argv.index("--ran") + 1], rfcs, statuses)
    else:
        PAGE.write_text(text)
    for problem in dict.fromkeys(found):
        print(problem)
    sys.exit(1 if found else 0)


main()
