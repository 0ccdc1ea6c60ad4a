#!/usr/bin/env python3
"""The newer baresip of the kit (from PyPI), which can verify the server's certificate; Debian's cannot.

Steps beyond the common ones: 'refused [REGEX]' registers and is content when that fails.
"""
import os, re, sys
import options
import baresippy_ua
from baresip import Account, BaresipError, Config

arguments = options.parse(__doc__)


def configured(extra_config_text, **others):
    if arguments.ca:
        extra_config_text += f"sip_cafile {arguments.ca}\nsip_verify_server yes\n"
    if resolver := os.environ.get("BILOXI_DNS_SERVERS"):
        extra_config_text += f"dns_server {resolver}\n"
    return Config(extra_config_text=extra_config_text, **others)


def through(*names, registrar, transport, **others):
    """The account of the kit, whose proxy is reached by the transport that is wanted."""
    reliable = ("100rel=yes",) if arguments.rel100 else ()
    return Account(*names, registrar=f"{registrar};transport={transport}", transport=transport, extra_params=reliable, **others)


class Phone(baresippy_ua.BaresipPy):
    def do_refused(self, reason=".*"):
        try:
            self.do(self.ua.register())
        except (BaresipError, TimeoutError) as error:
            text = f"{type(error).__name__} {error}"
            self.emit("reg-failed", text)
            if re.search(reason, text):
                return
        raise baresippy_ua.Failed("registration did not fail for that reason")


baresippy_ua.b.Config, baresippy_ua.b.Account = configured, through
status = Phone(arguments).main()
sys.stdout.flush()
os._exit(status)
