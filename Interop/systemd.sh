#!/usr/bin/env bash
# The packaged unit under a systemd that is the first process of a network, process and file namespace of its own: installed
# by the commands of docs/OPERATIONS.md as they stand there, started, used, reloaded, killed, hung and stopped. What is written
# goes into a layer over this machine's files, and is gone afterwards.
#   systemd.sh SERVER PEERS PYTHON     (server binary; the others are not needed)
# Where a machine permits no such namespaces the suite says so and counts as passed.
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1
here=$(cd "$(dirname "$0")" && pwd)
[ -x /lib/systemd/systemd ] || { echo "FAIL systemd: no systemd (package systemd)"; exit 1; }
unshare -m -p -f -n -i -u -C true 2> /dev/null || { echo "skip systemd: namespaces are not permitted here"; exit 0; }
work=$(mktemp -d)
groups=()
clean() {
  local group
  for group in "${groups[@]}"; do
    # Nobody is left in it but this shell.
    echo $$ > "$(dirname "$group")/cgroup.procs" 2> /dev/null; find "$group" -depth -type d -exec rmdir {} + 2> /dev/null
  done
  rm -rf "$work"
}
trap clean EXIT

# What is to be installed, as it lies in a clone after `make`; the Swift runtime, which may lie where a service sees nothing.
files=$work/files
mkdir -p "$files/src/.build/release" "$files/etc/systemd/system/biloxi.service.d" "$files/usr/lib/biloxi-runtime" "$work/out"
cp "$server" "$files/src/.build/release/biloxi"
cp -r "$here/../Packaging" "$here/../docs" "$files/src"
ldd "$server" | awk '/swift/ && $3 ~ /^\// { print $3 }' | xargs -r -I{} cp {} "$files/usr/lib/biloxi-runtime"
printf '[Service]\nEnvironment=LD_LIBRARY_PATH=/usr/lib/biloxi-runtime\nStandardError=append:/out/server.log\n' \
  > "$files/etc/systemd/system/biloxi.service.d/test.conf"
cp "$here/drivers/unit_test.sh" "$files/unit_test.sh"
cat > "$files/etc/systemd/system/biloxi-test.target" << 'UNIT'
[Unit]
Description=The packaged unit is tested
Requires=biloxi-test.service sysinit.target
AllowIsolate=yes
UNIT
cat > "$files/etc/systemd/system/biloxi-test.service" << 'UNIT'
[Unit]
After=sysinit.target
[Service]
Type=oneshot
Environment=LD_LIBRARY_PATH=/usr/lib/biloxi-runtime
ExecStart=/bin/bash /unit_test.sh
ExecStopPost=/bin/systemctl --force --force poweroff
StandardOutput=append:/out/log
StandardError=append:/out/log
TimeoutStartSec=150
UNIT
# Nothing of this machine is to run in there.
for unit in systemd-networkd systemd-resolved systemd-logind systemd-udevd systemd-udev-trigger systemd-random-seed \
  systemd-modules-load systemd-sysctl systemd-remount-fs systemd-update-utmp systemd-binfmt systemd-timesyncd; do
  ln -s /dev/null "$files/etc/systemd/system/$unit.service"
done

# A control group of its own in the hierarchies of systemd, which then looks like the whole of them.
for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -e "$hierarchy/cgroup.procs" ] && mkdir "$hierarchy/biloxi-$$" 2> /dev/null || continue
  groups+=("$hierarchy/biloxi-$$")
  echo $$ > "$hierarchy/biloxi-$$/cgroup.procs"
done
[ ${#groups[@]} -gt 0 ] || { echo "skip systemd: control groups cannot be made here"; exit 0; }

export work
timeout -s KILL 240 unshare -C -m -p -f -n -i -u --kill-child bash -ec '
  mount --make-rprivate /
  mount -t tmpfs tmpfs /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  root=/mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work $root
  mount -t proc proc $root/proc
  mount -t sysfs sysfs $root/sys
  if [ -e /sys/fs/cgroup/cgroup.procs ]; then
    mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
  else
    mount -t tmpfs tmpfs $root/sys/fs/cgroup
    mkdir $root/sys/fs/cgroup/systemd $root/sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup $root/sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 $root/sys/fs/cgroup/unified
  fi
  mount -t tmpfs tmpfs $root/run
  mount -t tmpfs tmpfs $root/tmp
  mount --rbind /dev $root/dev
  mkdir -p $root/out $root/old
  mount --bind "$work/out" $root/out
  cp -r "$work/files/." $root
  ip link set lo up
  cd $root
  pivot_root . old
  umount -l /old
  exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=biloxi-test.target --log-target=console --log-level=warning --show-status=no
' > "$work/console" 2>&1
cat "$work/out/log" 2> /dev/null
if ! grep -q '^[0-9]* passed, 0 failed$' "$work/out/log" 2> /dev/null; then
  grep -q 'passed' "$work/out/log" 2> /dev/null || { echo "FAIL systemd did not run the test"; tail -n 15 "$work/console"; }
  tail -n 15 "$work/out/server.log" 2> /dev/null
  exit 1
fi
