#!/usr/bin/env bash
# `biloxi phone` in a real terminal (tmux), driven by keys, against pjsua2 phones at `biloxi serve`: registering, calls both
# ways with their sound judged, hold, swap, both transfers, conference, messages, sizes, and what becomes of the terminal.
#   phone.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'. PICTURES names a folder for pictures of the screen (SVG and text).
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
. "$here/terminal.sh"
trap 'end_terminal; rm -rf "$work"' EXIT

# --- Registering, calling and being called.
run_phone
check register shows '● alice@sip.test registered'
picture idle

outgoing() {
  phone bob 5082 'auto 200' 'expect incoming 20' 'expect dtmf 5 30' 'expect closed 20'
  lacks '✕' 12 && keys d && enter bob && shows '● 0:0[1-9]' 10 && sleep 10 && keys 5 && shows 'keys 5' && shows 'MOS [34]' && shows '200 OK' &&
    picture call && keys x && phones_end && heard=$(judge speech8k.wav "$work/bob.wav" 3.6)
}
check "outgoing" heard_well outgoing
echo "     bob heard $(heard "${heard:-nothing error=nothing}")"

incoming() {
  rm -f "$work"/state/biloxi/recordings/*
  phone bob 5082 'call sip:alice@sip.test' 'expect answered 20' 'sleep 12' hold 'expect hold|media 5' 'sleep 2' resume 'sleep 2' hangup 'sleep 1'
  shows '↘ rings' && picture ringing && key Enter && shows '● 0:0' && keys r && shows REC && shows '● 0:1[01]' 20 && keys r && lacks 'REC ' &&
    shows 'holds us' 10 && lacks 'holds us' 10 && shows '✕' 10 && phones_end && heard=$(judge speech8k-b.wav "$work"/state/biloxi/recordings/*bob*.wav 3.6)
}
check "incoming, recorded" heard_well incoming
echo "     we heard $(heard "${heard:-nothing error=nothing}")"

rejecting() {
  phone bob 5082 'call sip:alice@sip.test' 'expect closed 603 20'
  shows '↘ rings' && keys x && shows '✕' && phones_end
}
check "rejecting" rejecting
missing() {
  phone bob 5082 'call sip:alice@sip.test' 'sleep 3' hangup 'sleep 1'
  shows '↘ rings' && shows '1 missed' 10 && phones_end
}
check "a missed call" missing

# --- Two calls.
two_calls() {
  lacks '✕' 12
  keys d && enter bob && shows '● 0:0' && sleep 1 && keys d && enter carol && shows '‖ held' && shows '● 0:0'
}
swapping() {
  phone bob 5082 'auto 200' 'expect incoming 20' 'expect remote-hold|media 20' 'expect closed 40'
  phone carol 5083 'auto 200' 'expect incoming 20' 'expect closed 40'
  two_calls && picture two && keys s && shows 'carol.*‖ held|‖ held.*carol' && shows 'bob.*● ' && keys s && shows 'bob.*‖ held' && shows 'carol.*● ' &&
    keys c && shows '● conf' && shows 'bob.*● conf' && sleep 12 && picture conference && keys c && lacks '● conf' && keys x && shows '✕' && keys x && phones_end
}
check "hold, swap, conference" swapping

attended() {
  phone bob 5082 'auto 200' 'expect incoming 20' 'expect refer 30' 'expect closed 20' 'sleep 8' hangall 'sleep 1'
  phone carol 5083 'auto 200' 'expect incoming 20' 'expect replaced 30' 'expect closed #2 40'
  two_calls && keys T && shows 'Connect bob' && picture question && keys y && shows '✕.*' 10 && phones_end
}
check "attended transfer" attended
blind() {
  phone bob 5082 'auto 200' 'expect incoming 20' 'expect refer 20' 'expect closed 20' 'sleep 3' hangall 'sleep 1'
  phone carol 5083 'auto 200' 'expect incoming 30' 'expect closed 40'
  lacks '✕' 12
  keys d && enter bob && shows '● 0:0' && sleep 1 && keys t && enter carol && shows '✕' 10 && phones_end
}
check "blind transfer" blind
transferred() {
  phone carol 5083 'auto 200' 'expect incoming 30' 'expect closed 40'
  phone bob 5082 'call sip:alice@sip.test' 'expect answered 20' 'sleep 2' 'transfer sip:carol@sip.test' 'expect transfer ^200 20' 'sleep 1'
  lacks '✕' 12
  shows '↘ rings' && keys a && shows '^│▶ carol@sip.test' 15 && shows '● 0:' && keys x && phones_end
}
check "being transferred" transferred

# --- Messages, contacts, commands.
messages() {
  phone bob 5082 'message sip:alice@sip.test lunch at one?' 'expect message sure 30' 'sleep 1'
  shows '1 unread' && keys G && shows 'lunch at one' && keys i && enter 'sure' && shows 'me: sure' && lacks 'me: sure …' && key Escape && picture messages && phones_end
}
check "messages both ways" messages
contacts() {
  keys K+ && enter 'Bob the Builder' && enter 'sip:bob@sip.test' && shows 'Bob the Builder +bob@sip.test' &&
    grep -q 'Bob the Builder' "$XDG_CONFIG_HOME/biloxi/phone.yaml" && [ "$(stat -c %a "$XDG_CONFIG_HOME/biloxi/phone.yaml")" = 600 ]
}
check "a contact is kept, for its user alone" contacts
commands() { keys : && enter 'options bob@sip.test timeout=2' && shows 'status: [0-9]+' 5 && key Escape && keys : && enter nonsense && shows 'no command "nonsense"'; }
check "commands" commands
refused() { keys d && enter nobody && shows '404' && picture refused; }
check "a refusal is told" refused
help() { keys '?' && shows 'attended transfer' && picture help && key Escape && lacks 'attended transfer'; }
check "help" help

# --- Sizes, stopping, ending.
sizes() {
  mux resize-window -t phone -x 132 -y 43 && sleep 0.5 && [ "$(screen | wc -l)" -ge 43 ] && shows 'quit' && picture wide && mux resize-window -t phone -x 50 -y 16 &&
    shows 'Biloxi' && picture narrow && mux resize-window -t phone -x 20 -y 5 && shows 'too small' && mux resize-window -t phone -x 80 -y 24 && shows '● alice@sip.test registered'
}
check "sizes" sizes
stopping() { key C-z && shows 'Stopped' && [ "$(mux display-message -p -t phone '#{alternate_on}')" = 0 ] && enter 'fg' && shows '● alice@sip.test registered'; }
begin
enter "$server phone $options --play $speech"
check "Ctrl-Z and fg" eval "shows '● alice@sip.test registered' && stopping"
run_phone
check "quit gives the terminal back" eval "shows '● alice@sip.test registered' && keys : && enter quit && restored 0"
check "the history is there again" eval "run_phone; shows '↗ nobody +404'"
pid=$(pgrep -n -f "$server phone")
check "SIGTERM gives the terminal back" eval "kill -TERM $pid && restored 130"
for signal in INT HUP SEGV ABRT; do
  run_phone
  shows '● alice@sip.test registered' > /dev/null
  pid=$(pgrep -n -f "$server phone")
  case $signal in INT | HUP) code=130 ;; SEGV) code=139 ;; ABRT) code=134 ;; esac
  check "SIG$signal gives the terminal back" eval "kill -$signal $pid && restored $code"
done
run_phone NO_COLOR=1
colorless() { shows '● alice@sip.test registered' && ! mux capture-pane -e -p -t phone | grep -qE $'\x1b\\[[0-9;]*(3[0-8]|4[0-8])[;m]' && picture colorless; }
check "NO_COLOR" colorless
run_phone LC_ALL=C
check "without UTF-8 only ASCII" eval "shows '\\* alice@sip.test registered' && ! screen | LC_ALL=C grep -q '[^ -~]' && picture ascii"
asked() {
  begin
  enter "$server phone ${options/--password-file $work\/alice.password/} --play $speech"
  shows 'Password of sip:alice@sip.test' && enter "$(cat "$work/alice.password")" && shows '● alice@sip.test registered' &&
    ! screen | grep -qF "$(cat "$work/alice.password")" && key q && shows '^\$ *$'
}
check "the password is asked for, and not shown" asked
mistaken() {
  echo wrong > "$work/wrong.password"
  begin
  enter "$server phone ${options/alice.password/wrong.password} --play $speech"
  shows 'wrong password' && keys A+ && enter 'sip:alice@sip.test' && enter "$(cat "$work/alice.password")" &&
    shows '● alice@sip.test registered' && rm -f "$XDG_CONFIG_HOME/biloxi/phone.yaml" && keys q && shows '^\$ *$'
}
check "a wrong password is told, and can be entered anew" mistaken
run_phone TERM=dumb
check "TERM=dumb is refused, with what to do" shows 'not TERM=dumb'
"$server" phone < /dev/null > "$work/pipe" 2>&1
[ $? = 2 ] && grep -q 'needs a terminal' "$work/pipe" && passed "a pipe is refused" || failed "a pipe is refused"

echo "$pass passed, $fail failed"
[ $fail = 0 ]
