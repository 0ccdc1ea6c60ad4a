#!/bin/bash
# Adapter of the benchmark kit (its README, "Adapters"): the server in the foreground, location in memory.
# BILOXI names the binary; BILOXI_STORAGE=sqlite measures the durable default; BILOXI_THREADS the UDP threads.
set -e
data="$BENCH_DIR/data"; mkdir -p "$data"
config="$BENCH_DIR/biloxi.yaml"
listen="udp:$BENCH_HOST:$BENCH_PORT"
case "$BENCH_TRANSPORT" in
  tcp) listen="$listen, tcp:$BENCH_HOST:$BENCH_PORT" ;;
  tls) listen="$listen, tcp:$BENCH_HOST:$BENCH_PORT, tls:$BENCH_HOST:$((BENCH_PORT + 1))" ;;
esac
cat > "$config" << YAML
domains: [$BENCH_DOMAIN]
listen: [$listen]
logLevel: error
authentication: { required: $([ "$BENCH_AUTH" = 1 ] && echo true || echo false), algorithms: [MD5] }
YAML
if [ "$BENCH_AUTH" = 1 ]; then
    # The first user makes the database; a program call for each of the others would take minutes.
    echo pw-u000000 > "$BENCH_DIR/password"
    "${BILOXI:-biloxi}" user add u000000 --config "$config" --data "$data" --password-file "$BENCH_DIR/password" >&2
    python3 - "$data/biloxi.db" "$BENCH_DOMAIN" "${BENCH_USERS:-10000}" << 'PYTHON'
import hashlib
import sqlite3
import sys

path, domain, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
users = (f"u{number:06}" for number in range(1, count))
rows = ((user, domain, hashlib.md5(f"{user}:{domain}:pw-{user}".encode()).digest()) for user in users)
with sqlite3.connect(path) as database:
    database.executemany("INSERT INTO subscribers (user, domain, ha1_md5, created_at) VALUES (?, ?, ?, 0)", rows)
PYTHON
fi
exec "${BILOXI:-biloxi}" serve --config "$config" --data "$data" --storage "${BILOXI_STORAGE:-memory}" \
  --threads "${BILOXI_THREADS:-1}" > "$BENCH_DIR/biloxi.log" 2>&1
