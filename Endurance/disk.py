#!/usr/bin/env python3
"""A disk that is full, one that cannot be written, one that stands still for ten seconds, and a database that another
process holds as long. Every REGISTER is refused with 503 and Retry-After before ten seconds are over, nothing that was
refused is there afterwards, what was acknowledged before stays, and the server recovers by itself. What is being written
when the disk stands still can be neither withdrawn nor undone: only that gets its answer, a true one, when the disk goes
on. Needs root: it mounts a file system of its own.

    disk.py BILOXI      ends with 1 when something of that does not hold"""
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time

from registrants import FORGIVING, Failure, Registrant, Server, status

USERS = [f"u{number}" for number in range(8)]


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


async def refused(registrants, seconds, what):
    """REGISTERs for a while. Those that are refused are refused in the right way, and some are."""
    until, statuses = time.monotonic() + seconds, {}
    while time.monotonic() < until:
        for registrant in registrants:
            registrant.longest = 0
        answers = await asyncio.gather(*(registrant.change(
            [f"Contact: <sip:{registrant.user}@192.0.2.99:5060>;expires=3000"],
            lambda at, registrant=registrant: registrant.bindings | {f"sip:{registrant.user}@192.0.2.99:5060": at + 3000})
            for registrant in registrants))
        longest = max(registrant.longest for registrant in registrants)
        for answer in answers:
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            if answer.status not in (200, 500, 503):
                raise Failure(f"{what}: answered {answer.status} {answer.reason}")
            if answer.status != 200 and "retry-after" not in answer.fields:
                raise Failure(f"{what}: {answer.status} without Retry-After")
        if longest >= 10:
            raise Failure(f"{what}: the answer took {longest:.1f} s")
        # What the server shows meanwhile is what was acknowledged.
        await asyncio.gather(*(registrant.check(f"{what}, there are") for registrant in registrants))
    if not statuses.get(503) and not statuses.get(500):
        raise Failure(f"{what}: nothing was refused ({statuses})")
    return statuses


async def recovers(registrants, what):
    """Within ten seconds everything is stored again."""
    began = time.monotonic()
    while True:
        answers = await asyncio.gather(*(registrant.change(
            [f"Contact: <sip:{registrant.user}@192.0.2.50:5060>;expires=900"],
            lambda at, registrant=registrant: registrant.bindings | {f"sip:{registrant.user}@192.0.2.50:5060": at + 900})
            for registrant in registrants))
        if all(answer.status == 200 for answer in answers):
            return time.monotonic() - began
        if time.monotonic() - began > 10:
            raise Failure(f"{what}: still refused: {[answer.status for answer in answers]}")
        await asyncio.sleep(0.1)


async def trouble(server, registrants, what, begin, end, seconds=4):
    before = [dict(registrant.bindings) for registrant in registrants]
    begin()
    try:
        statuses = await refused(registrants, seconds, what)
    finally:
        end()
    after = await recovers(registrants, what)
    # Once more from the disk.
    server.kill()
    server.start()
    await asyncio.gather(*(registrant.check(f"{what}, after a restart there are") for registrant in registrants))
    for registrant, kept in zip(registrants, before):
        if not set(kept) <= set(registrant.bindings):
            raise Failure(f"{what}: {registrant.user} has lost bindings")
    print(f"ok   {what}: answered {statuses}, stored again after {after:.1f} s", flush=True)


async def stall(server, registrants, mount):
    """The disk stands still for ten seconds. One REGISTER is being written then; the others wait behind it."""
    what = "a disk that stands still"
    first, others = registrants[0], registrants[1:]
    change = lambda registrant: registrant.change(
        [f"Contact: <sip:{registrant.user}@192.0.2.77:5060>;expires=3000"],
        lambda at: registrant.bindings | {f"sip:{registrant.user}@192.0.2.77:5060": at + 3000})
    for registrant in registrants:
        registrant.longest = 0
    run("fsfreeze", "--freeze", mount)
    try:
        writing = asyncio.create_task(change(first))
        await asyncio.sleep(0.3)
        waiting = [asyncio.create_task(change(registrant)) for registrant in others]
        answers = await asyncio.gather(*waiting)
    finally:
        run("fsfreeze", "--unfreeze", mount)
    for answer in answers:
        if answer.status != 503 or "retry-after" not in answer.fields:
            raise Failure(f"{what}: answered {answer.status} {answer.reason}")
    longest = max(registrant.longest for registrant in others)
    if longest >= 10:
        raise Failure(f"{what}: the answer took {longest:.1f} s")
    late = await writing
    after = await recovers(registrants, what)
    server.kill()
    server.start()
    await asyncio.gather(*(registrant.check(f"{what}, after a restart there are") for registrant in registrants))
    print(f"ok   {what}: answered 503 after {longest:.1f} s, the one being written {late.status} after {first.longest:.1f} s, "
          f"stored again after {after:.1f} s", flush=True)


class Lock:
    """Another program that writes in the database and takes its time."""

    def __init__(self, server):
        self.server = server

    def begin(self):
        self.database = self.server.database()
        self.database.execute("BEGIN IMMEDIATE")

    def end(self):
        self.database.execute("ROLLBACK")
        self.database.close()


async def main(binary):
    mount = tempfile.mkdtemp(prefix="biloxi-disk-")
    image = f"{mount}.image"
    with open(image, "wb") as file:
        file.truncate(48 << 20)
    run("mkfs.ext4", "-q", "-m", "0", image)
    run("mount", "-o", "loop", image, mount)
    filler = os.path.join(mount, "filler")
    data = os.path.join(mount, "data")

    def unwritable(sign):
        run("chattr", f"{sign}i", *(os.path.join(data, name) for name in os.listdir(data) if name.startswith("biloxi.db")))

    def fill():
        try:
            with open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass

    with contextlib.ExitStack() as stack:
        stack.callback(os.remove, image)
        stack.callback(os.rmdir, mount)
        stack.callback(run, "umount", "-l", mount)
        server = stack.enter_context(Server(binary, USERS, data=data, extra=FORGIVING))
        server.start()
        registrants = [await Registrant.make(user, server.port) for user in USERS]
        for registrant in registrants:
            for _ in range(20):
                await registrant.step()
        lock = Lock(server)
        await trouble(server, registrants, "a full disk", fill, lambda: os.remove(filler))
        await trouble(server, registrants, "files that cannot be written", lambda: unwritable("+"), lambda: unwritable("-"))
        await trouble(server, registrants, "a database held by another process", lock.begin, lock.end, seconds=10)
        await stall(server, registrants, mount)
        server.stop()


if __name__ == "__main__":
    sys.exit(status(lambda: asyncio.run(main(sys.argv[1]))))
