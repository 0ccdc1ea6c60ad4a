#!/bin/bash
# What systemd.sh runs within a systemd: the unit from its installation to its end.
cd /src
pass=0 fail=0
verdict() { # verdict NAME STATUS [REMARK]
  if [ "$2" = 0 ]; then echo "ok   $1${3:+: $3}"; pass=$((pass + 1)); else echo "FAIL $1: $3"; fail=$((fail + 1)); fi
}
show() { systemctl show --property "$1" --value biloxi; }
# until_done SECONDS COMMAND...: until the command succeeds.
until_done() {
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do [ $SECONDS -lt $deadline ] || return 1; sleep 0.1; done
}
at="--data /var/lib/biloxi --config /etc/biloxi/biloxi.yaml"
alice="--account sip:alice@biloxi.example --password-file /tmp/password --proxy 127.0.0.1"

# The commands under "With systemd", word for word.
sed -n '/^\*\*With systemd\*\*/,/^The unit/s/^    //p' docs/OPERATIONS.md > /tmp/install.sh
remark=$(bash -e /tmp/install.sh 2>&1); rc=$?
verdict installed-as-documented $rc "$(grep -c . /tmp/install.sh) lines${remark:+, $remark}"
remark=$(systemd-analyze verify biloxi.service 2>&1 | grep -i biloxi); [ -z "$remark" ]
verdict the-unit-has-no-fault $? "$remark"

# systemctl has returned: every listener is open.
remark=$(/usr/bin/biloxi ping sip:127.0.0.1 --count 1 2>&1); rc=$?
verdict answers-when-start-returns $rc "$(tail -n 1 <<< "$remark")"
pid=$(show MainPID)
user=$(stat -c %u "/proc/$pid"); capabilities=$(awk '/^CapBnd/ { print $2 }' "/proc/$pid/status")
[ "$user" != 0 ] && [ "$capabilities" = 0000000000000400 ]
verdict runs-as-a-user-who-may-bind-ports-only $? "user $user, capabilities $capabilities, $(
  systemd-analyze security biloxi --no-pager | sed -n 's/.*Overall exposure level for [^:]*: *//p')"

echo pw-alice > /tmp/password
remark=$(/usr/bin/biloxi user add alice $at --password-file /tmp/password 2>&1); rc=$?
verdict a-user-is-added-while-it-runs $rc "$remark"
remark=$(timeout 20 /usr/bin/biloxi register $alice --expires 600s 2>&1); rc=$?
verdict registers-in-the-data-directory $rc "$(tail -n 1 <<< "$remark")"
remark=$(timeout 40 /usr/bin/biloxi call sip:echo@biloxi.example $alice --tone 440 --for 3s --expect-audio 2>&1); rc=$?
verdict calls-the-echo-service-in-its-sandbox $rc "$(tail -n 1 <<< "$remark")"

echo 'registrar: { minExpires: 61 }' >> /etc/biloxi/biloxi.yaml
remark=$(systemctl reload biloxi 2>&1); rc=$?
verdict reload-returns-when-it-holds $rc "$remark"
cp /etc/biloxi/biloxi.yaml /tmp/right.yaml
echo 'wrong: 1' >> /etc/biloxi/biloxi.yaml
systemctl reload biloxi > /tmp/reload 2>&1; rc=$?
[ $rc != 0 ] && [ "$(show ActiveState)" = active ] && [ "$(show MainPID)" = "$pid" ]
verdict reload-of-a-wrong-file-fails-and-changes-nothing $? "$(head -n 1 /tmp/reload)"
cp /tmp/right.yaml /etc/biloxi/biloxi.yaml

kill -KILL "$pid"
restarted() { local now; now=$(show MainPID); [ "$now" != 0 ] && [ "$now" != "$pid" ] && [ "$(show ActiveState)" = active ]; }
until_done 20 restarted
verdict killed-and-started-again $? "after $(show NRestarts) restart"
remark=$(timeout 20 /usr/bin/biloxi bindings $alice 2>&1); rc=$?
[ $rc = 0 ] && ! grep -q 'no binding' <<< "$remark"
verdict the-registration-is-still-there $? "$(tail -n 1 <<< "$remark")"

# It hangs: the watchdog, with less patience than the packaged one.
printf '[Service]\nWatchdogSec=2\n' > /etc/systemd/system/biloxi.service.d/patience.conf
systemctl daemon-reload; systemctl restart biloxi
pid=$(show MainPID)
sleep 5
[ "$(show MainPID)" = "$pid" ]
verdict says-that-it-works $? "for 5 s, $(show WatchdogUSec) being the limit"
kill -STOP "$pid"
until_done 20 restarted
verdict hangs-and-is-started-again $? "after $(show NRestarts) restart"

start=$(date +%s%N)
systemctl stop biloxi; rc=$?
[ $rc = 0 ] && [ "$(show Result)" = success ] && [ "$(show ActiveState)" = inactive ]
verdict stops $? "in $((($(date +%s%N) - start) / 1000000)) ms, result $(show Result)"
echo "$pass passed, $fail failed"
