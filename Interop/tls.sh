#!/usr/bin/env bash
# Phones that verify the server's certificate register and call over TLS, and turn away from a server that they cannot
# trust: one whose certificate names another host, and one whose authority they do not know.
#   tls.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2, baresip and pesq)
# PJSUA, Linphone and the newer baresip verify. baresip 1.0 of Debian does not, whatever sip_cafile says (its library
# never asks OpenSSL for the result), so that only its calls count, and those are in phones.sh.
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; stop_started; rm -rf "$work"' EXIT

# authority NAME; certificate NAME HOST: PEM files in $work. The second is of the first authority.
authority() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.pem" \
    2> "$work/openssl.log" || { cat "$work/openssl.log"; exit 1; }
}
certificate() {
  printf 'subjectAltName=DNS:%s,URI:sip:%s\n' "$2" "$2" > "$work/$1.ext"
  { openssl req -newkey rsa:2048 -nodes -keyout "$work/$1.key" -subj "/CN=$2" -out "$work/$1.csr" &&
    openssl x509 -req -in "$work/$1.csr" -CA "$work/trusted.pem" -CAkey "$work/trusted.key" -CAcreateserial -days 2 \
      -extfile "$work/$1.ext" -out "$work/$1.pem"; } 2> "$work/openssl.log" || { cat "$work/openssl.log"; exit 1; }
}
authority trusted
authority unknown
certificate right localhost
certificate wrong elsewhere.test
# The server's name is localhost, for its phones too; baresip asks a name server for it.
export BILOXI_DNS_SERVERS=127.0.0.1:5353
start dns dnsmasq --keep-in-foreground --log-facility=- --port=5353 --no-resolv --no-hosts --bind-interfaces \
  --listen-address=127.0.0.1 --local=/localhost/ --host-record=localhost,127.0.0.1 --pid-file="$work/dns.pid"

# serve CERTIFICATE
serve() {
  printf 'domains: [sip.test]\nlisten: [udp:127.0.0.1:5060, tls:127.0.0.1:5061]\nadvertise: localhost\ntls: { certificate: %s, key: %s }\n' \
    "$work/$1.pem" "$work/$1.key" > "$work/serve.yaml"
  start_server "$work/serve.yaml" || exit 1
}

# refused NAME DRIVER AUTHORITY [REASON]: the phone does not register, and the server has had no REGISTER from it.
refused() {
  local name=$1 before
  before=$(wc -l < "$work/server.log")
  if timeout 40 "$python" "$(driver "$2")" --user alice --port 5091 --rtp 22000 --transport tls --server localhost:5061 \
    --ca "$work/$3.pem" "refused${4:+ '$4'}" > "$work/$name" 2>&1 && [ "$(bindings)" = 0 ]; then
    echo "ok   $name: $(grep -o 'reg-failed.*' "$work/$name" | head -n 1)"; pass=$((pass + 1))
  else
    echo "FAIL $name: $(bindings) bindings"; fail=$((fail + 1))
    tail -n 8 "$work/$name" | cut -c1-200; tail -n +$((before + 1)) "$work/server.log" | cut -c1-200
  fi
}
bindings() { sqlite3 "$data/biloxi.db" 'SELECT count(*) FROM bindings'; }

refusals() { # refusals WHAT AUTHORITY
  refused "pjsua-refuses-$1" pj_phone.py "$2" 'certificate verification'
  refused "linphone-refuses-$1" linphone_phone.py "$2"
  refused "baresip-refuses-$1" baresippy_phone.py "$2" 'Protocol error'
}
serve wrong
refusals a-wrong-name trusted
stop_server
serve right
refusals an-unknown-authority unknown
verified="--transport tls --server localhost:5061 --ca $work/trusted.pem"
# The newer baresip plays and records in Python, in step with the machine's load: it has a bar of its own.
one_call pjsua-to-baresip-verified baresippy_phone.py "$verified" pj_phone.py "$verified" 2.5
one_call baresip-to-linphone-verified linphone_phone.py "$verified" baresippy_phone.py "$verified" 2.5
one_call linphone-to-pjsua-verified pj_phone.py "$verified" linphone_phone.py "$verified"
echo "$pass passed, $fail failed"
[ $fail = 0 ]
