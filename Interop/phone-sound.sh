#!/usr/bin/env bash
# The sound of `biloxi phone`, judged by PESQ: a sound card (PulseAudio, whose null sinks are its microphone and its
# loudspeaker) in both directions, and a conference whose parties hear each other through us.
#   phone-sound.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'. PICTURES names a folder for pictures of the screen (SVG and text).
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
. "$here/terminal.sh"
trap 'end_terminal; rm -rf "$work"' EXIT

# heard_both THERE BACK LEAST: whether each direction has been heard well, in this try or in one before.
heard_both() {
  heard=$(judge speech8k.wav "$work/$1" "$3"); best "$heard" $? "$there" $there_rc; there=$best there_rc=$best_rc
  heard=$(judge speech8k-b.wav "$work/$2" "$3"); best "$heard" $? "$back" $back_rc; back=$best back_rc=$best_rc
  [ $there_rc$back_rc = 00 ]
}

# --- A sound card: what is played to the sink mouth is what the microphone hears, what the loudspeaker plays goes to the sink ear.
export PULSE_SERVER="unix:$work/sound.socket" PULSE_SINK=ear PULSE_SOURCE=mouth.monitor ALSA_CONFIG_PATH="$work/alsa.conf"
export XDG_RUNTIME_DIR="$work" PULSE_COOKIE="$work/cookie" HOME="$work"
cat > "$ALSA_CONFIG_PATH" << 'ALSA'
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
ALSA
start pulse pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no --log-target=stderr \
  -L "module-native-protocol-unix auth-anonymous=1 socket=$work/sound.socket" -L "module-null-sink sink_name=ear rate=48000" \
  -L "module-null-sink sink_name=mouth rate=48000"

sound=--sound-card
run_phone
check "a sound card is opened" shows '● alice@sip.test registered'
# Both speak from the answer on, for longer than they are listened to; each direction counts as it was heard best.
there="" there_rc=1 back="" back_rc=1
card_call() {
  phone bob 5082 'auto 200' 'expect incoming 20' 'expect closed 40'
  lacks '✕' 12 && keys d && enter bob && shows '● 0:0[1-9]' 10 || return 1
  paplay --device=mouth "$speech" & local speaking=$!
  timeout 21 parecord --device=ear.monitor --rate=16000 --channels=1 --file-format=wav "$work/ear.wav"
  wait $speaking
  picture sound-card && keys x && shows '✕' && phones_end || return 1
  heard_both bob.wav ear.wav 3.3
}
check "the microphone is heard at the other side, and the other side in the loudspeaker" heard_well card_call
echo "     bob heard $(heard "${there:-nothing error=nothing}"), the loudspeaker played $(heard "${back:-nothing error=nothing}")"
keys q

# --- A conference: bob and carol speak in turn, and each has heard the other.
"$python" - "$speech" "$speech_b" "$work" << 'SILENCES'
import sys, wave

def turn(source, target, before, length):
    with wave.open(source) as file:
        parameters, samples = file.getparams(), file.readframes(file.getnframes())
    octets = parameters.sampwidth * parameters.nchannels * parameters.framerate
    with wave.open(target, "wb") as file:
        file.setparams(parameters)
        file.writeframes((bytes(before * octets) + samples).ljust(length * octets, bytes(1)))

turn(sys.argv[1], sys.argv[3] + "/turn-bob.wav", 0, 26)
turn(sys.argv[2], sys.argv[3] + "/turn-carol.wav", 9, 26)
SILENCES
sound=""
run_phone
check "register" shows '● alice@sip.test registered'
there="" there_rc=1 back="" back_rc=1
conference() {
  voice="$work/turn-bob.wav" phone bob 5082 'auto 200' 'expect incoming 20' 'expect closed 80'
  voice="$work/turn-carol.wav" phone carol 5083 'auto 200' 'expect incoming 20' 'expect closed 80'
  lacks '✕' 12
  keys d && enter bob && shows '● 0:0' && keys d && enter carol && shows 'carol.*● 0:0' && keys c && shows 'bob.*● conf' && shows 'carol.*● conf' || return 1
  sleep 36
  picture conference-sound && keys c && lacks '● conf' && keys x && shows '✕' && keys x && phones_end || return 1
  heard_both carol.wav bob.wav 3.0
}
check "in a conference each of the others hears the other one through us" heard_well conference
echo "     carol heard bob with $(heard "${there:-nothing error=nothing}"), bob heard carol with $(heard "${back:-nothing error=nothing}")"
keys q

echo "$pass passed, $fail failed"
[ $fail = 0 ]
