# Starting and stopping the server under test; the caller sets `server` and `work`.
data=""
server_pid=""

# start_server CONFIG: users alice, bob and carol with the passwords the drivers know.
start_server() {
  data="$work/data"
  local user
  for user in alice bob carol; do
    echo "pw-$user" | "$server" user add "$user@sip.test" --data "$data" --password-file - > "$work/users.log" 2>&1 || {
      cat "$work/users.log"; return 1; }
  done
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
