#!/usr/bin/env bash
# Debian's baresip as a telephone that answers all calls and plays a file to each; with a folder it records each.
#   baresip_hold.sh PORT SOUND.wav CALLS [FOLDER]
set -eu
port=$1 sound=$(realpath "$2") calls=$3 folder=${4:-}
home=$(mktemp -d)
modules=$(dirname "$(dpkg -L baresip-core | grep '/menu.so$')")
# A player that needs no hardware, and a file that lasts: baresip ends the call with the file.
python3 - "$sound" "$home/tx.wav" << 'END'
import sys, wave
with wave.open(sys.argv[1], "rb") as source, wave.open(sys.argv[2], "wb") as target:
    target.setparams(source.getparams())
    sound = source.readframes(source.getnframes())
    target.writeframes(sound * (120 * source.getframerate() // source.getnframes() + 1))
END
cat > "$home/config" << END
poll_method epoll
call_local_timeout 120
call_max_calls $calls
sip_listen 127.0.0.1:$port
audio_player aubridge,sink
audio_source aufile,$home/tx.wav
audio_alert aubridge,alert
snd_path ${folder:-$home}
audio_buffer 20-160
rtp_ports 20000-29999
net_interface 127.0.0.1
module_path $modules
module g711.so
module aufile.so
module aubridge.so
${folder:+module sndfile.so}
module_tmp account.so
module_app menu.so
END
echo "<sip:bob@127.0.0.1>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1" > "$home/accounts"
cd "$home"
ulimit -n "$(ulimit -Hn)"
exec baresip -f "$home" < /dev/null
