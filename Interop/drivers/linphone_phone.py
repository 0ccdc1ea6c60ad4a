#!/usr/bin/env python3
"""Debian's linphonec as in the kit, over TLS too, with an own address of any family and a certificate that is verified.

It offers the codec of --codec alone, of those that both sides have.

Steps beyond the common ones: 'refused' registers and is content when that fails.
"""
import sys
import options
import linphone_ua


class Phone(linphone_ua.LinphoneUA):
    def start(self):
        a = self.a

        def edit(text):
            # The kit's driver has no listener for TLS, and then linphonec does not speak it at all.
            if a.transport == "tls":
                text = text.replace("sip_tls_port=0", f"sip_tls_port={a.port}")
            text = text.replace("127.0.0.1", a.literal).replace(f"bind_address={a.literal}", f"bind_address={a.address}")
            checks = f"root_ca={a.ca}\n" if a.ca else ""
            check = int(bool(a.ca))
            for i, (name, rate) in enumerate([("opus", 48000), ("speex", 8000), ("speex", 16000), ("speex", 32000)]):
                # What is not named is on, and would be preferred.
                text += f"[audio_codec_{i + 2}]\nmime={name}\nrate={rate}\nchannels={1 + (i == 0)}\nenabled=0\n"
            return text.replace("[sip]\n", f"[sip]\n{checks}verify_server_certs={check}\nverify_server_cn={check}\n")
        options.edited(linphone_ua, lambda folder: f"{folder}/rc", edit)
        super().start()

    def do_refused(self, *_):
        a = self.a
        self.send(f"register {self.aor} sip:{a.server};transport={a.transport} {a.password}")
        for _ in range(20):
            self.send("status register")
            self.run_for(0.5)
            if any(e[0] == "reg-failed" for e in self.events):
                return
        raise linphone_ua.Failed("registration did not fail")


sys.exit(Phone(options.parse(__doc__)).main())
