# What the suites share: the server under test, and calls between two phones. The caller sets server, peers, python, here
# and work, and prints 'N passed, N failed' at its end from pass and fail.
# A suite runs in a network of its own where that is permitted: then its fixed ports collide with nothing, and suites may
# run side by side. By hand there is nothing more to do than to call it. Besides the loopback interface there is one with
# addresses of both families and a default route: Linphone drops its connections when it finds no way to the world.
if [ -z "${BILOXI_NETWORK:-}" ] && unshare -n true 2> /dev/null; then
  BILOXI_NETWORK=own exec unshare -n bash -c 'ip link set lo up &&
    ip link add both type veth peer name other && ip link set both up && ip link set other up &&
    ip addr add 192.0.2.5/24 dev both && ip addr add 2001:db8::5/64 dev both nodad &&
    ip route add default via 192.0.2.1 && exec bash "$0" "$@"' "$0" "$@"
fi

data=""
pass=0 fail=0
export PEERS=${peers:-}
server_pid=""

# start_server CONFIG: users alice, bob and carol with the passwords the drivers know.
start_server() {
  data="$work/data"
  rm -rf "$data"
  local user
  for user in alice bob carol; do
    echo "pw-$user" | "$server" user add "$user@sip.test" --data "$data" --password-file - > "$work/users.log" 2>&1 || {
      cat "$work/users.log"; return 1; }
  done
  serve_again "$1"
}
# serve_again CONFIG: with the data that is there.
serve_again() {
  "$server" serve --config "$1" --data "$data" > "$work/server.log" 2>&1 &
  server_pid=$!
  local i
  for i in $(seq 100); do
    grep -q '^ready' "$work/server.log" && return 0
    kill -0 "$server_pid" 2> /dev/null || break
    sleep 0.1
  done
  echo "the server did not start:"; cat "$work/server.log"
  return 1
}

stop_server() {
  [ -n "$server_pid" ] && kill "$server_pid" 2> /dev/null && wait "$server_pid" 2> /dev/null
  server_pid=""
}

# wait_registered USER: until the database holds a binding of the user.
wait_registered() {
  local i
  for i in $(seq 100); do
    [ "$(sqlite3 "$data/biloxi.db" "SELECT count(*) FROM bindings WHERE aor = CAST('$1@sip.test' AS BLOB)" 2> /dev/null)" != 0 ] && return 0
    sleep 0.1
  done
  return 1
}

# driver NAME: where it is. Those of this folder have options that those of the peers' kit lack.
driver() { if [ -f "$here/drivers/$1" ]; then echo "$here/drivers/$1"; else echo "$peers/lib/$1"; fi; }

# least MOS: what has to be reached. LEAST_MOS lowers it: on a machine that others use, too, phones that sleep too long spoil
# some of the sound between them, while what is wrong with it stays far below 3.
least() { printf '%s\n' "$1" "${LEAST_MOS:-$1}" | sort -g | head -n 1; }

# judge REFERENCE RECORDING LEAST: PESQ of a recording, one line.
judge() { "$python" "$peers/audio/mos.py" "$peers/audio/$1" "$2" --min "$(least "$3")" 2>&1; }

# heard JUDGEMENT: the figure in it, or what is wrong with the recording.
heard() { echo "$1" | tail -n 1 | sed 's/.* mos=/MOS /; s/.* error=//'; }

# What a busy machine spoils of the sound between two other programs says nothing about the one that is tested. A call that
# falls short by its sound alone is had again, and each direction counts as it was heard best.
tries=5
# rest TRY: what is busy beside us may pass.
rest() { sleep $((3 * ($1 - 1))); }
# best JUDGEMENT RC BEST BEST-RC: sets best and best_rc to the better one of the two.
best() {
  best=$3 best_rc=$4
  [ "$best_rc" != 0 ] && { [ "$2" = 0 ] || [ -z "$best" ]; } && best=$1 best_rc=$2
  return 0
}

# one_call NAME CALLEE-DRIVER CALLEE-ARGS CALLER-DRIVER CALLER-ARGS [LEAST-MOS [caller|callee [CHECK]]]
# Alice calls bob. Both speak, and what each has heard is judged; a digit passes too, and the BYE of the side that is named.
# CHECK is a step of the caller's driver: what it must have seen besides.
# callee_in and caller_in are what comes before their commands: where one is in another network. Other users than these two
# are named by caller_user, callee_user and called, the URI.
callee_in="" caller_in="" caller_user="" callee_user="" called=""
one_call() {
  local name=$1 files="$work/$1" heard_both try there="" there_rc=1 back="" back_rc=1
  for try in $(seq $tries); do
    rest "$try"
    call_once "$@"
    best "$heard_there" $there_ok "$there" $there_rc; there=$best there_rc=$best_rc
    best "$heard_back" $back_ok "$back" $back_rc; back=$best back_rc=$best_rc
    [ "$caller_rc$callee_rc" = 00 ] && [ "$there_rc$back_rc" != 00 ] || break
  done
  heard_both="callee heard $(heard "$there"), caller heard $(heard "$back")"
  if [ "$caller_rc$callee_rc$there_rc$back_rc" = 0000 ]; then
    echo "ok   $name: $heard_both"; pass=$((pass + 1))
  else
    echo "FAIL $name: caller $caller_rc, callee $callee_rc, $heard_both"; fail=$((fail + 1))
    tail -n 12 "$files.caller" "$files.callee" | cut -c1-200
    tail -n 4 "$work/server.log" | cut -c1-200
  fi
}
call_once() {
  local least=${6:-3.6} check=() caller_ends=(hangup 'sleep 1') callee_ends=('expect closed 30')
  [ $# -lt 8 ] || check=("$8")
  [ "${7:-caller}" = caller ] || { caller_ends=('expect closed 20'); callee_ends=('sleep 2' hangup 'sleep 1'); }
  rm -f "$files".*
  timeout 60 $callee_in "$python" "$(driver "$2")" --user "${callee_user:-bob}" --port 5082 --rtp 21000 \
    --wav "$peers/audio/speech8k-b.wav" --rec "$files.callee.wav" $3 register 'auto 200' \
    'expect incoming 20' 'expect dtmf 5 30' "${callee_ends[@]}" > "$files.callee" 2>&1 &
  local callee=$!
  local i; for i in $(seq 200); do grep -qs 'step: auto' "$files.callee" && break; sleep 0.1; done
  timeout 50 $caller_in "$python" "$(driver "$4")" --user "${caller_user:-alice}" --port 5091 --rtp 22000 \
    --wav "$peers/audio/speech8k.wav" --rec "$files.caller.wav" $5 register \
    "call ${called:-sip:bob@sip.test}" 'expect answered' "${check[@]}" 'sleep 10' 'dtmf 5' 'sleep 1' "${caller_ends[@]}" \
    > "$files.caller" 2>&1
  caller_rc=$?
  wait "$callee"
  callee_rc=$?
  heard_there=$(judge speech8k.wav "$files.callee.wav" "$least"); there_ok=$?
  heard_back=$(judge speech8k-b.wav "$files.caller.wav" "$least"); back_ok=$?
}

# start NAME COMMAND...: a program that runs until `stop_started`.
started=()
start() {
  local name=$1; shift
  "$@" > "$work/$name.log" 2>&1 &
  started+=($!)
  sleep 1
  kill -0 "$!" 2> /dev/null || { echo "$name did not start:"; tail -n 5 "$work/$name.log"; exit 1; }
}
stop_started() {
  [ ${#started[@]} = 0 ] || { kill "${started[@]}" 2> /dev/null; wait "${started[@]}" 2> /dev/null; }
  started=()
}

# Our telephone, `biloxi call` and `biloxi answer`, in a call with a phone. Both sides speak and record.
speech="$peers/audio/speech8k.wav" speech_b="$peers/audio/speech8k-b.wav"
local_udp="--local udp:127.0.0.1:5070 --media-ports 23000-23999"

# passwords: files with those of alice and bob for our telephone, in $work.
passwords() { echo pw-alice > "$work/alice.password"; echo pw-bob > "$work/bob.password"; }

# in_call NAME CALL ARGUMENT...: has the call, which leaves the exit codes in ours_rc and peer_rc, and judges what both have
# recorded. By its sound alone falls short: exit code 8 of ours, or PESQ.
# Set by the caller: least_mos, what PESQ has to say; min_mos, what the E-model of our telephone has to say; wanted, a pattern
# that has to be in what our telephone prints.
least_mos=3.6 min_mos=4 wanted=""
in_call() {
  local name=$1 judged try there="" there_rc=1 back="" back_rc=1 ours=8
  for try in $(seq $tries); do
    rest "$try"
    rm -f "$work/$name".*
    "$2" "$name" "${@:3}"
    judged=$(judge speech8k.wav "$work/$name.peer.wav" "$least_mos")
    best "$judged" $? "$there" $there_rc; there=$best there_rc=$best_rc
    judged=$(judge speech8k-b.wav "$work/$name.ours.wav" "$least_mos")
    best "$judged" $? "$back" $back_rc; back=$best back_rc=$best_rc
    [ $ours_rc = 8 ] || ours=$ours_rc
    case $ours_rc$peer_rc in 00 | 80) [ $ours$there_rc$back_rc != 000 ] || break ;; *) break ;; esac
  done
  if [ "$ours$peer_rc$there_rc$back_rc" = 0000 ] && ! grep -q -- "$wanted" "$work/$name.ours"; then
    echo "FAIL $name: '$wanted' is not in what we print"; fail=$((fail + 1)); tail -n 4 "$work/$name.ours" | cut -c1-400
  elif [ "$ours$peer_rc$there_rc$back_rc" = 0000 ]; then
    echo "ok   $name: phone heard $(heard "$there"), we heard $(heard "$back")"; pass=$((pass + 1))
  else
    echo "FAIL $name: ours $ours_rc, phone $peer_rc, phone heard $(heard "$there"), we heard $(heard "$back")"
    fail=$((fail + 1))
    tail -n 15 "$work/$name.ours" "$work/$name.peer" | cut -c1-200
  fi
}

# wait_line FILE TEXT: until a line with the text is there.
wait_line() {
  local i
  for i in $(seq 100); do
    grep -q "$2" "$1" 2> /dev/null && return 0
    sleep 0.1
  done
  return 1
}

# we_call NAME DRIVER URI OUR-ARGS PHONE-ARGS PHONE-STEPS...: the phone answers, we speak first and hang up.
we_call() {
  local name=$1 driver=$2 uri=$3 ours=$4 phone=$5
  shift 5
  timeout 60 "$python" "$(driver "$driver")" --user bob --port 5082 --rtp 21000 --wav "$speech_b" \
    --rec "$work/$name.peer.wav" $phone "$@" 'auto 200' 'expect incoming 20' 'expect dtmf 5 30' 'expect closed 30' \
    > "$work/$name.peer" 2>&1 &
  local peer=$!
  case " $* " in *" register "*) wait_registered bob ;; *) sleep 2 ;; esac
  timeout 50 "$server" call "$uri" --play "$speech" --record "$work/$name.ours.wav" --for 13s --dtmf ,,,,,,,,,,5 \
    --expect-audio --min-mos "$(least "$min_mos")" --json $ours > "$work/$name.ours" 2>&1
  ours_rc=$?
  wait "$peer"
  peer_rc=$?
}

# phone_calls NAME DRIVER OUR-ARGS PHONE-ARGS PHONE-STEPS...: we answer, the phone presses a key and hangs up.
phone_calls() {
  local name=$1 driver=$2 ours=$3 phone=$4
  shift 4
  timeout 60 "$server" answer --count 1 --delay 1s --play "$speech" --record "$work/$name.ours.wav" --for 40s \
    --expect-audio --expect-dtmf 5 --min-mos "$(least "$min_mos")" --json $ours > "$work/$name.ours" 2>&1 &
  local answering=$!
  wait_line "$work/$name.ours" '"ready"'
  timeout 50 "$python" "$(driver "$driver")" --user alice --port 5091 --rtp 22000 --wav "$speech_b" \
    --rec "$work/$name.peer.wav" $phone "$@" 'call sip:bob@sip.test' 'expect answered' 'sleep 11' 'dtmf 5' 'sleep 1' \
    hangup > "$work/$name.peer" 2>&1
  peer_rc=$?
  wait "$answering"
  ours_rc=$?
}
