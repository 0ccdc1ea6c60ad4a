"""The options that the drivers of this folder have beyond those of the peers' kit, which PEERS names."""
import os, sys
sys.path.insert(0, os.path.join(os.environ["PEERS"], "lib"))
import uascript


def parse(doc):
    p = uascript.parser(doc)
    p.add_argument("--address", default="127.0.0.1", help="own address, for signalling and media")
    p.add_argument("--media", help="own address for media, where it is another")
    p.add_argument("--interface", help="the interface that has --address and --media (baresip only)")
    p.add_argument("--ca", help="verify the server's certificate: it must lead to this authority, and name the server")
    p.add_argument("--outbound", action="store_true", help="register by RFC 5626: instance, reg-id, keep-alives")
    p.add_argument("--keying", choices=["sdes", "dtls"], help="SRTP, mandatory, by this way to keys")
    p.add_argument("--suite", help="the suite of SRTP that is offered and taken (pjsua2 only)")
    p.add_argument("--mux", action="store_true", help="RTCP shares the port of RTP")
    a = p.parse_args()
    a.password = a.password if a.password is not None else f"pw-{a.user}"
    a.rtp = a.rtp or (10000 + (a.port % 1000) * 20)
    a.media = a.media or a.address
    a.literal = f"[{a.address}]" if ":" in a.address else a.address
    return a


def edited(module, path, edit):
    """Lets `edit` change what the driver of the kit has written to `path`, right before it starts its program.

    The drivers of the kit write the configuration and start the program in one step, and stay as they are.
    """
    popen = module.subprocess.Popen

    class Popen(popen):
        def __init__(self, arguments, **options):
            if options.get("cwd"):
                name = path(options["cwd"])
                with open(name) as file:
                    text = file.read()
                with open(name, "w") as file:
                    file.write(edit(text))
            super().__init__(arguments, **options)
    module.subprocess.Popen = Popen
