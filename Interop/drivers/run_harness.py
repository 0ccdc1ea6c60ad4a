#!/usr/bin/env python3
"""A harness around `biloxi run -`: drives our telephone line by line against one that nobody here wrote.

    run_harness.py BILOXI WAV REC [OPTION...]     options are those of `biloxi run`

The class is all that a harness needs; what follows is a test with it. Exit status 0 when all went well.
"""
import json, queue, subprocess, sys, threading


class Telephone:
    """`biloxi run -` as an object: `do` sends a command, `wait` takes an event."""

    def __init__(self, biloxi, *options):
        self.process = subprocess.Popen(
            [biloxi, "run", "-", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.arriving, self.events, self.last = queue.Queue(), [], 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.arriving.put(json.loads(line))
        self.arriving.put(None)

    def start(self, verb, **members):
        """Begins a command, and returns its id."""
        self.last += 1
        json.dump({"do": verb, "id": self.last, **members}, self.process.stdin)
        self.process.stdin.write("\n")
        return self.last

    def wait(self, name, seconds=20, **members):
        """The oldest event of this name and with these members that was not taken yet."""
        while True:
            for event in self.events:
                if event["event"] == name and all(event.get(k) == v for k, v in members.items()):
                    self.events.remove(event)
                    return event
            event = self.arriving.get(timeout=seconds)
            if event is None:
                raise RuntimeError(f"ended before {name} {members}")
            print(json.dumps(event)[:160], flush=True)
            if event["event"] == "error" or (event["event"] == "failed" and name == "done"):
                raise RuntimeError(event["reason"])
            self.events.append(event)

    def do(self, verb, seconds=20, **members):
        """Does a command, and returns what its `done` says."""
        return self.wait("done", seconds, id=self.start(verb, **members))

    def end(self):
        self.process.stdin.close()
        return self.process.wait(20)


def main(biloxi, wav, recording, *options):
    alice = Telephone(biloxi, *options)
    alice.wait("ready")
    alice.do("register")

    # We call: speech in both directions, a key, hold and resume, a message.
    call = alice.do("call", uri="sip:bob@sip.test", call="first", headers={"Subject": "harness"})["call"]
    alice.start("record", call=call, file=recording)
    playing = alice.start("play", call=call, file=wav)
    alice.wait("done", 30, id=playing)
    alice.do("dtmf", call=call, keys="5")
    alice.do("hold", call=call)
    alice.do("resume", call=call)
    assert alice.do("quality", call=call)["mos"] > 3.5
    alice.do("hangup", call=call)
    assert alice.wait("ended", call=call)["code"] == "ended"
    alice.wait("quality", call=call)
    assert alice.do("message", uri="sip:bob@sip.test", text="Watson, come here.")["status"] == 200

    # We are called: ring, answer, collect keys; the other side hangs up.
    incoming = alice.wait("incoming", 40)
    assert incoming["from"].startswith("sip:bob@sip.test") and incoming["headers"]["CSeq"], incoming
    alice.do("ring", call=incoming["call"])
    alice.do("answer", call=incoming["call"])
    assert alice.do("collect", call=incoming["call"], count=3, timeout=20)["keys"] == "123"
    alice.wait("ended", 30, call=incoming["call"])

    # A refusal is an event with its status, and a word that is none is told.
    refused = alice.start("call", uri="sip:nobody@sip.test")
    assert alice.wait("failed", id=refused)["status"] == 404
    print("all went well", flush=True)
    return alice.end()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
