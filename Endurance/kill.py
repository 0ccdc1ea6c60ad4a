#!/usr/bin/env python3
"""kill -9 at a random moment of a storm of registrations, many rounds. After each restart every binding that was
acknowledged is there with its expiry, and none that was refused or removed.

    kill.py BILOXI [ROUNDS [SEED]]      ends with 1 at the first round that lost or invented something"""
import asyncio
import random
import sys

from registrants import FORGIVING, Registrant, Server, status

USERS = [f"u{number}" for number in range(48)]


async def storm(registrant):
    while True:
        await registrant.step()


async def main(binary, rounds, seed):
    dice = random.Random(seed)
    with Server(binary, USERS, extra=FORGIVING) as server:
        server.start()
        registrants = [await Registrant.make(user, server.port, seed) for user in USERS]
        unanswered, starts = 0, []
        for number in range(1, rounds + 1):
            tasks = [asyncio.create_task(storm(registrant)) for registrant in registrants]
            done, _ = await asyncio.wait(tasks, timeout=dice.uniform(0.05, 0.8), return_when=asyncio.FIRST_EXCEPTION)
            server.kill()
            # What it had sent before it died has arrived and counts.
            await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for result in results:
                if not isinstance(result, asyncio.CancelledError):
                    raise result
            unanswered += sum(registrant.pending is not None for registrant in registrants)
            starts.append(server.start())
            await asyncio.gather(*(registrant.check() for registrant in registrants))
            if number % 20 == 0 or number == rounds:
                print(f"{number} rounds, {sum(r.cseq for r in registrants)} REGISTERs, {unanswered} unanswered when it died, "
                      f"{sum(len(r.bindings) for r in registrants)} bindings now, ready after {max(starts):.2f} s at most",
                      flush=True)
        server.stop()
    print(f"ok   kill -9: nothing acknowledged was lost, nothing refused or removed came back in {rounds} rounds")


if __name__ == "__main__":
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    sys.exit(status(lambda: asyncio.run(main(sys.argv[1], rounds, seed))))
