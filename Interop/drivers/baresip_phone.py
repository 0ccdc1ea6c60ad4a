#!/usr/bin/env python3
"""Debian's baresip as in the kit, with an own address of any family, a certificate that is verified, and Outbound or not.

Steps beyond the common ones: 'refused' registers and is content when that fails.
"""
import os, sys
import options
import baresip_ua


class Phone(baresip_ua.BaresipUA):
    def start(self):
        a = self.a

        def edit(text):
            text = text.replace(f"sip_listen 127.0.0.1:{a.port}", f"sip_listen {a.literal}:{a.port}")
            family = "yes" if ":" in a.media else "no"
            text = text.replace("net_interface 127.0.0.1", f"net_interface {a.interface or a.media}\nprefer_ipv6 {family}")
            if resolver := os.environ.get("BILOXI_DNS_SERVERS"):    # it does not read /etc/hosts
                text += f"dns_server {resolver}\n"
            codec = a.codec.split("/")[0].lower()
            modules = [codec] if codec in ("opus", "g722", "l16") else []
            modules += {"sdes": ["srtp"], "dtls": ["dtls_srtp"]}.get(a.keying, [])
            text = text.replace("module g711.so\n", "module g711.so\n" + "".join(f"module {m}.so\n" for m in modules))
            text += "rtcp_mux yes\n" if a.mux else ""
            if codec in ("opus", "g722", "l16"):   # what it plays has 8 kHz, whatever the codec has
                text += "ausrc_srate 8000\nausrc_channels 1\n"
            return text + (f"sip_cafile {a.ca}\n" if a.ca else "")
        options.edited(baresip_ua, lambda folder: f"{folder}/config", edit)
        a.codec += {"sdes": ";mediaenc=srtp-mand", "dtls": ";mediaenc=dtls_srtp"}.get(a.keying, "")
        super().start()
        if a.outbound:
            self.account += f';sipnat=outbound;outbound2="sip:{a.server}"'

    def do_refused(self, reason=None):
        self.make(self.a.expires)
        self.wait("reg-failed", reason)


sys.exit(Phone(options.parse(__doc__)).main())
