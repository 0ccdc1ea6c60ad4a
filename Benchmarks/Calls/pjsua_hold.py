#!/usr/bin/env python3
"""PJSUA2 as a telephone that answers all calls, plays a file to each and records each: what biloxi-callbench measures beside
ours. Usage: pjsua_hold.py PORT SOUND.wav CALLS [FOLDER]"""
import sys

import pjsua2 as pj

port, sound, most = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
folder = sys.argv[4] if len(sys.argv) > 4 else None
calls = []


class Call(pj.Call):
    def onCallMediaState(self, prm):
        info = self.getInfo()  # Its parts live as long as it does.
        for k, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO or media.status != pj.PJSUA_CALL_MEDIA_ACTIVE:
                continue
            audio = self.getAudioMedia(k)
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(sound)
            self.player.startTransmit(audio)
            if folder:
                self.recorder = pj.AudioMediaRecorder()
                self.recorder.createRecorder(f"{folder}/{self.getId()}.wav")
                audio.startTransmit(self.recorder)


class Account(pj.Account):
    def onIncomingCall(self, prm):
        call = Call(self, prm.callId)
        calls.append(call)
        answer = pj.CallOpParam()
        answer.statusCode = 200
        call.answer(answer)


endpoint = pj.Endpoint()
endpoint.libCreate()
config = pj.EpConfig()
config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly, config.uaConfig.maxCalls = 0, True, most
config.logConfig.level = config.logConfig.consoleLevel = 1
config.medConfig.noVad, config.medConfig.ecTailLen, config.medConfig.clockRate = True, 0, 8000
config.medConfig.maxMediaPorts = 4 * most + 16
endpoint.libInit(config)
endpoint.audDevManager().setNullDev()
transport = pj.TransportConfig()
transport.port, transport.boundAddress = port, "127.0.0.1"
endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
endpoint.libStart()
account_config = pj.AccountConfig()
account_config.idUri = "sip:bob@127.0.0.1"
account_config.regConfig.registerOnAdd = False
account_config.mediaConfig.transportConfig.port = 20000
account_config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
account = Account()
account.create(account_config)
print("ready", flush=True)
while True:
    endpoint.libHandleEvents(20)
