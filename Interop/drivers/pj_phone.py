#!/usr/bin/env python3
"""The PJSUA2 agent of the kit, with a certificate that is verified, and Outbound or not. It is built without IPv6.

Events beyond the common ones: 'contact CONTACT' of an INVITE; 'record-route COUNT VALUES' of the 200 for an INVITE; 'binding CONTACT' and 'require OPTIONS', 'flow-timer SECONDS' from the 200 for REGISTER.
Steps beyond the common ones: 'refused [REGEX]' registers and is content when that fails for the reason; 'again' registers
again.
"""
import re, sys, os
import options
import pjsua2 as pj
import pj_ua

arguments = options.parse(__doc__)

class Endpoint(pj.Endpoint):
    def transportCreate(self, kind, config):
        config.boundAddress = arguments.address
        if arguments.ca:
            config.tlsConfig.CaListFile, config.tlsConfig.verifyServer = arguments.ca, True
        return super().transportCreate(kind, config)


class Account(pj_ua.Acc):
    def create(self, config):
        config.natConfig.sipOutboundUse = int(arguments.outbound)
        config.regConfig.retryIntervalSec, config.regConfig.randomRetryIntervalSec = 3, 1
        media = config.mediaConfig
        media.transportConfig.boundAddress = arguments.media
        media.rtcpMuxEnabled = arguments.mux
        if arguments.keying:
            media.srtpUse, media.srtpSecureSignaling = pj.PJMEDIA_SRTP_MANDATORY, 0
            way = {"sdes": pj.PJMEDIA_SRTP_KEYING_SDES, "dtls": pj.PJMEDIA_SRTP_KEYING_DTLS_SRTP}
            media.srtpOpt.keyings = pj.IntVector([way[arguments.keying]])
        if arguments.suite:
            suite = pj.SrtpCrypto()
            suite.name = arguments.suite
            media.srtpOpt.cryptos = pj.SrtpCryptoVector([suite])
        super().create(config)

    def onIncomingCall(self, prm):
        self.ua.emit("contact", re.search(r"(?im)^(?:Contact|m):\s*(.*?)\r?$", prm.rdata.wholeMsg).group(1))
        super().onIncomingCall(prm)

    def onRegState(self, prm):
        for name, event in (("Contact", "binding"), ("Require", "require"), ("Flow-Timer", "flow-timer")):
            for value in re.findall(rf"(?im)^{name}:\s*(.*?)\r?$", prm.rdata.wholeMsg):
                self.ua.emit(event, value)
        super().onRegState(prm)


class Call(pj_ua.Call):
    def onCallTsxState(self, prm):
        event = prm.e.body.tsxState
        if event.type == pj.PJSIP_EVENT_RX_MSG and event.src.rdata.wholeMsg.startswith("SIP/2.0 200"):
            message = event.src.rdata.wholeMsg
            routes = re.findall(r"(?im)^Record-Route:\s*(.*?)\r?$", message)
            if re.search(r"(?im)^CSeq:.*INVITE", message):
                self.ua.emit("record-route", f"{len(routes)} {' '.join(routes)}")


class Phone(pj_ua.PjUA):
    def do_refused(self, reason=".*"):
        self.acc.setRegistration(True)
        self.wait("reg-failed", reason)

    def do_again(self):
        self.acc.setRegistration(True)


pj.Endpoint, pj_ua.Acc, pj_ua.Call = Endpoint, Account, Call
status = Phone(arguments).main()
sys.stdout.flush()
os._exit(status)
