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
exec "${BILOXI:-biloxi}" serve --config "$config" --data "$data" --storage "${BILOXI_STORAGE:-memory}" \
  --threads "${BILOXI_THREADS:-1}" > "$BENCH_DIR/biloxi.log" 2>&1
