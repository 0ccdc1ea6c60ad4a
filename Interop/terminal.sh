# `biloxi phone` in a real terminal (tmux), driven by keys, against pjsua2 phones at `biloxi serve`: what the suites share that
# look at its screen. The caller sets server, peers, python, here and work, and has sourced lib.sh. PICTURES names a folder for
# pictures of the screen (SVG and text).
socket=phone-$$
mux() { tmux -L "$socket" -f /dev/null "$@"; }
end_terminal() { mux kill-server 2> /dev/null; stop_started; stop_server; }
export LANG=C.UTF-8 LC_ALL=C.UTF-8 XDG_CONFIG_HOME="$work/config" XDG_STATE_HOME="$work/state"
passwords
start_server "$here/phones.yaml" || exit 1

passed() { echo "ok   $*"; pass=$((pass + 1)); }
failed() { echo "FAIL $*"; fail=$((fail + 1)); screen | sed 's/^/   |/'; }
screen() { mux capture-pane -p -t phone; }
keys() { mux send-keys -t phone -l "$1"; }
# An Escape is one only when nothing follows it at once.
key() { mux send-keys -t phone "$@"; sleep 0.1; }
enter() { keys "$1"; key Enter; }
# shows TEXT [SECONDS]: until the screen has the text (a pattern of grep -E).
shows() {
  local i
  for i in $(seq $((${2:-10} * 10))); do screen | grep -qE -- "$1" && return 0; sleep 0.1; done
  echo "   the screen does not show: $1"
  return 1
}
# lacks TEXT [SECONDS]: until it has it no more.
lacks() {
  local i
  for i in $(seq $((${2:-10} * 10))); do screen | grep -qE -- "$1" || return 0; sleep 0.1; done
  echo "   the screen still shows: $1"
  return 1
}
picture() {
  [ -n "${PICTURES:-}" ] || return 0
  screen > "$PICTURES/$1.txt"
  mux capture-pane -e -p -t phone | python3 "$here/drivers/terminal_picture.py" > "$PICTURES/$1.svg"
}
check() { local name=$1; shift; if "$@"; then passed "$name"; else failed "$name"; fi; }
# phone USER PORT STEP...: a phone of a user, in the background, that says what is in voice; its exit code is in NAME.USER.rc.
pids=()
phone() {
  local user=$1 port=$2 file="$work/$1"
  shift 2
  rm -f "$file" "$file".*
  (
    timeout 90 "$python" "$(driver pj_phone.py)" --user "$user" --port "$port" --rtp $((port * 4)) --rec "$file.wav" \
      --wav "${voice:-$speech_b}" register "$@" > "$file" 2>&1
    echo $? > "$file.rc"
  ) &
  pids+=($!)
  wait_line "$file" 'EVENT registered'
}
# phones_end: all phones ended with 0.
phones_end() {
  local file bad=0
  wait "${pids[@]}"
  pids=()
  for file in "$work"/*.rc; do
    [ "$(cat "$file")" = 0 ] || { bad=1; echo "   $(basename "${file%.rc}"):"; tail -n 6 "${file%.rc}" | cut -c1-200 | sed 's/^/   /'; }
  done
  rm -f "$work"/*.rc
  return $bad
}
# A terminal of its own for each: a server of tmux that is about to end would take the next one with it.
terminals=0
begin() {
  mux kill-server 2> /dev/null
  # Who was there before says farewell first.
  for _ in $(seq 50); do pgrep -f "$server phone" > /dev/null || break; sleep 0.1; done
  terminals=$((terminals + 1))
  socket=phone-$$-$terminals
  mux new-session -d -s phone -x 80 -y 24 "${1:-bash --norc}"
  mux set-option -t phone status off > /dev/null
  enter 'PS1="\$ "; cd /; clear'
  sleep 0.5
}
options="--account sip:alice@sip.test --password-file $work/alice.password --proxy 127.0.0.1:5060 --local udp:127.0.0.1:5070"
# run_phone [VARIABLE=VALUE]: ours, with the sound that is named in sound.
sound="--play $speech"
run_phone() {
  begin
  enter "stty -a > $work/before; ${1:-} $server phone $options --media-ports 23000-23999 $sound; echo code \$?; stty -a > $work/after"
}
restored() {
  shows "code $1" 8 && sleep 0.3 && cmp "$work/before" "$work/after" && [ "$(mux display-message -p -t phone '#{alternate_on}')" = 0 ] &&
    [ "$(mux display-message -p -t phone '#{cursor_flag}#{mouse_any_flag}')" = 10 ]
}
# heard_well CASE: has a case with sound, again where its sound alone falls short.
heard_well() {
  local try
  for try in $(seq $tries); do
    rest "$try"
    heard=""
    "$1" && return 0
    [ -n "$heard" ] || return 1
  done
  return 1
}
