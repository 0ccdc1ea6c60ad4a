#!/usr/bin/env bash
# Calls that change, with phones that nobody here wrote: transfers in all three roles, blind and attended, hold with music,
# PRACK, UPDATE and session timers. Our telephone is `biloxi call` or `biloxi answer`; all goes through the server.
#   transfers.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
passwords
echo pw-carol > "$work/carol.password"
# Who is transferred is in the middle of what it says, again and again: 19 seconds of it hold the whole of its 9 once. What is
# judged is where most of it is found, and one whose first or last word is missing passes for that as well: calls are
# connected and end when much of it is missing.
"$python" - "$speech" "$work/long.wav" << 'END'
import sys, wave
with wave.open(sys.argv[1], "rb") as speech, wave.open(sys.argv[2], "wb") as long:
    long.setparams(speech.getparams())
    long.writeframes(speech.readframes(speech.getnframes()) * 5)
END
long="$work/long.wav"
start_server "$here/phones.yaml" || exit 1

# ours USER ARGUMENT...: our telephone of a user, in the background; its exit code is in the file NAME.USER.rc at the end.
ours() {
  local user=$1 command=$2 file="$work/$name.$1"
  shift 2
  (
    timeout 60 "$server" "$command" "$@" --account "sip:$user@sip.test" --password-file "$work/$user.password" \
      --proxy sip:127.0.0.1:5060 ${local:-$local_udp} --json > "$file" 2>&1
    echo $? > "$file.rc"
  ) &
  pids+=($!)
  [ "$command" != answer ] || wait_line "$file" '"ready"'
}
# phone USER DRIVER PORT STEP...: a phone of a user, that records what it hears; $options are its own.
phone() {
  local user=$1 driver=$2 port=$3 file="$work/$name.$1" i
  shift 3
  (
    timeout 60 "$python" "$(driver "$driver")" --user "$user" --port "$port" --rtp $((port * 4)) --rec "$file.wav" \
      --wav "$speech_b" ${options:-} register "$@" > "$file" 2>&1
    echo $? > "$file.rc"
  ) &
  pids+=($!)
  # Who is called has to be there first.
  [[ "$*" != auto* ]] || for i in $(seq 100); do grep -qs 'step: auto' "$file" && break; sleep 0.1; done
}
# case_ends [USER REFERENCE]...: all have ended with 0, and what these have heard in this try or another is what it should be.
case_ends() {
  local file rc line
  bad="" sound=""
  wait "${pids[@]}"
  pids=()
  for file in "$work/$name".*.rc; do
    rc=$(cat "$file")
    [ "$rc" = 0 ] || bad="$bad $(basename "${file%.rc}" | sed "s/^$name\.//") ended with $rc;"
  done
  while [ $# -gt 0 ]; do
    line=$(judge "$2" "$work/$name.$1.wav" 3.6) && clean[$1]=$(heard "$line")
    sound="$sound, $1 heard ${clean[$1]:-$(heard "$line")}"
    [ -n "${clean[$1]:-}" ] || bad="$bad $1 heard $(heard "$line");"
    shift 2
  done
}
# had NAME CASE: has a case, again where its sound alone falls short.
declare -A clean
had() {
  local try file
  name=$1 clean=()
  for try in $(seq $tries); do
    rest "$try"
    rm -f "$work/$name".*
    pids=()
    "$2"
    case $bad in *"ended with"* | "") break ;; esac
  done
  if [ -z "$bad" ]; then echo "ok   $name$sound"; pass=$((pass + 1))
  else
    echo "FAIL $name:$bad"; fail=$((fail + 1))
    for file in "$work/$name".*.rc; do tail -n 9 "${file%.rc}" | cut -c1-220 | sed "s/^/   $(basename "${file%.rc}"): /"; done
  fi
}
pids=() bad="" sound=""

# We transfer: the phone calls carol, and she hears the phone. The phone's first call ends.
blind_by_us() {
  phone carol pj_phone.py 5083 'auto 200' 'expect incoming 30' 'expect closed 40'
  phone bob "$transferee" 5082 'auto 200' 'expect incoming 20' 'expect refer 20' "${left[@]}" 'sleep 19' hangall 'sleep 1'
  ours alice call sip:bob@sip.test --for 3s --transfer sip:carol@sip.test
  case_ends carol speech8k-b.wav
}
attended_by_us() {
  phone carol pj_phone.py 5083 'auto 200' 'expect incoming 30' 'expect replaced 20' 'expect closed #2 40'
  phone bob pj_phone.py 5082 'auto 200' 'expect incoming 20' 'expect refer 20' 'expect closed 20' 'sleep 19' hangall 'sleep 1'
  ours alice call sip:bob@sip.test --for 3s --transfer sip:carol@sip.test --consult
  case_ends carol speech8k-b.wav
}
transferee=pj_phone.py left=('expect closed 20')
had transferor-blind-pj blind_by_us
# Of the end of its first call baresip tells nothing.
transferee=baresip_phone.py left=('expect answered 20')
had transferor-blind-baresip blind_by_us
had transferor-attended attended_by_us

# We are transferred: what we play goes on with carol.
blind_of_us() {
  phone carol pj_phone.py 5083 'auto 200' 'expect incoming 30' 'expect closed 40'
  ours bob answer --count 1 --play "$long" --for 22s --follow-transfers
  phone alice "$transferor" 5091 'call sip:bob@sip.test' 'expect answered' 'sleep 2' 'transfer sip:carol@sip.test' "${reported[@]}"
  case_ends carol speech8k.wav
}
attended_of_us() {
  phone carol pj_phone.py 5083 'auto 200' 'expect incoming 30' 'expect replaced 30' 'expect closed #2 40'
  ours bob answer --count 1 --play "$long" --for 28s --follow-transfers
  phone alice pj_phone.py 5091 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hold 'sleep 1' 'call sip:carol@sip.test' \
    'expect answered' 'sleep 1' attended 'expect transfer ^200 20' 'sleep 1'
  case_ends carol speech8k.wav
}
transferor=pj_phone.py reported=('expect transfer ^200 20' 'sleep 1')
had transferee-blind-pj blind_of_us
# What becomes of its transfer baresip does not tell us.
transferor=baresip_phone.py reported=('sleep 10')
had transferee-blind-baresip blind_of_us
had transferee-attended attended_of_us

# We are whom others are transferred to.
blind_to_us() {
  ours carol answer --count 1 --play "$speech" --record "$work/$name.ours.wav" --for 21s --expect-audio
  phone bob pj_phone.py 5082 'auto 200' 'expect incoming 20' 'expect refer 20' 'expect closed 40' 'expect closed 40'
  phone alice "$transferor" 5091 'call sip:bob@sip.test' 'expect answered' 'sleep 1' 'transfer sip:carol@sip.test' 'sleep 5'
  case_ends ours speech8k-b.wav
}
attended_to_us() {
  ours carol answer --count 1 --play "$speech" --record "$work/$name.ours.wav" --for 20s --expect-audio
  phone bob pj_phone.py 5082 'auto 200' 'expect incoming 20' 'expect refer 20' 'expect closed 40' 'expect closed 40'
  phone alice pj_phone.py 5091 'call sip:bob@sip.test' 'expect answered' 'sleep 4' hold 'sleep 1' 'call sip:carol@sip.test' \
    'expect answered' 'sleep 1' attended 'expect transfer ^200 20' 'sleep 1'
  case_ends ours speech8k-b.wav
}
for transferor in pj_phone.py baresip_phone.py; do had "target-blind-${transferor%_phone.py}" blind_to_us; done
had target-attended attended_to_us

# Hold by either side. What comes while they are held neither pjsua nor baresip let us record: the music is judged between us.
hold_by_us() {
  phone bob pj_phone.py 5082 'auto 200' 'expect incoming 20' 'expect remote-hold 20' 'expect media 30' 'expect closed 40'
  ours alice call sip:bob@sip.test --hold-at 1s --hold-for 3s --hold-music "$speech" --for 7s
  case_ends
}
hold_music() {
  local="--local udp:127.0.0.1:5071 --media-ports 24000-24999" \
    ours bob answer --count 1 --record "$work/$name.bob.wav" --for 40s
  ours alice call sip:bob@sip.test --hold-at 1s --hold-for 11s --hold-music "$speech" --for 14s
  case_ends bob speech8k.wav
  grep -q '"held"' "$work/$name.bob" && grep -q '"resumed"' "$work/$name.bob" || bad="$bad no hold was told;"
}
hold_by_phone() {
  ours bob answer --count 1 --record "$work/$name.ours.wav" --for 40s --expect-audio
  phone alice pj_phone.py 5091 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hold 'sleep 2' resume 'sleep 19' hangup 'sleep 1'
  case_ends ours speech8k-b.wav
  grep -q '"held"' "$work/$name.bob" && grep -q '"resumed"' "$work/$name.bob" || bad="$bad no hold was told;"
}
had hold-by-us hold_by_us
had hold-music-between-us hold_music
had hold-by-phone hold_by_phone

# PRACK of either side, UPDATE, session timers.
prack_by_phone() {
  ours bob answer --count 1 --early --delay 2s --play "$speech" --for 14s
  options=--rel100 phone alice pj_phone.py 5091 'call sip:bob@sip.test' 'expect ringing 183' 'expect answered' 'expect closed 30'
  case_ends alice speech8k.wav
}
prack_by_us() {
  options=--rel100 phone bob pj_phone.py 5082 'auto 180' 'expect incoming 20' 'sleep 1' 'answer 200' 'expect closed 40'
  ours alice call sip:bob@sip.test --play "$long" --for 20s
  case_ends bob speech8k.wav
}
update() {
  ours bob answer --count 1 --play "$long" --for 21s
  phone alice pj_phone.py 5091 'call sip:bob@sip.test' 'expect answered' 'sleep 1' update 'sleep 1' 'expect closed 40'
  case_ends alice speech8k.wav
}
timers() {
  ours bob answer --count 1 --play "$speech" --for 12s --verbose
  options=--timer phone alice pj_phone.py 5091 'call sip:bob@sip.test' 'expect answered' 'expect closed 30'
  case_ends alice speech8k.wav
  # Our 200 names who refreshes (RFC 4028 §9).
  grep -qi 'Session-Expires: *120;refresher=' "$work/$name.bob" || bad="$bad no Session-Expires in the 200;"
}
had prack-by-phone prack_by_phone
had prack-by-us prack_by_us
had update update
had session-timers timers

# A conference of three: each phone hears the other, mixed by us.
three() {
  phone carol pj_phone.py 5083 'auto 200' 'expect incoming 30' 'expect closed 40'
  phone bob pj_phone.py 5082 'auto 200' 'expect incoming 20' 'expect closed 40'
  ours alice call sip:bob@sip.test --conference sip:carol@sip.test --for 20s
  case_ends carol speech8k-b.wav bob speech8k-b.wav
}
had conference-of-three three
stop_server
echo "$pass passed, $fail failed"
[ $fail = 0 ]
