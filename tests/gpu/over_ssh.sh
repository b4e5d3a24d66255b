#!/usr/bin/env bash
# Judges the card of this machine over a real OpenSSH connection to itself, where no sshd can be
# installed: unpacks Debian packages of OpenSSH (and pciutils, dmidecode) from a folder.
#
#   tests/gpu/over_ssh.sh DEBS OUT        OUT gets capture.json, report.json, report.txt, report-v.txt
#
# Needs root, an NVIDIA card and its driver, Python >= 3.11 with the package's dependencies.
set -eu
debs=$1 out=$2 root=$(mktemp -d) port=2222
python=${PYTHON:-python3}
trap 'kill "$(cat "$root/sshd.pid")" 2>/dev/null || true; rm -rf "$root"' EXIT

for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$root/deb"; done
libraries=$root/lib && mkdir -p "$libraries"
# Only what the system lacks: its own libraries must stay the ones that everything else uses.
find "$root/deb" -name '*.so*' \( -type f -o -type l \) -not -path '*/security/*' | while read -r file; do
  name=$(basename "$file")
  ldconfig -p | grep -qF "$name " || cp -a "$file" "$libraries/"
done
for tool in lspci setpci dmidecode; do
  found=$(find "$root/deb" -name "$tool" -type f | head -1)
  command -v "$tool" >/dev/null || { [ -n "$found" ] && install -m755 "$found" "/usr/bin/$tool"; }
done
[ -d /usr/share/misc ] && cp -an "$root"/deb/usr/share/misc/pci.ids* /usr/share/misc/ 2>/dev/null || true
cp -a "$libraries"/libpci* "$libraries"/libkmod* /usr/lib/x86_64-linux-gnu/ 2>/dev/null || true

id sshd >/dev/null 2>&1 || useradd --system --home /run/sshd --shell /usr/sbin/nologin sshd
mkdir -p /run/sshd ~/.ssh && chmod 700 ~/.ssh
export LD_LIBRARY_PATH=$libraries
ssh=$root/deb/usr/bin
"$ssh/ssh-keygen" -qt ed25519 -N '' -f "$root/host_key"
"$ssh/ssh-keygen" -qt ed25519 -N '' -f "$root/user_key"
cp "$root/user_key.pub" "$root/authorized_keys"
cat >"$root/sshd_config" <<CONFIG
Port $port
ListenAddress 127.0.0.1
HostKey $root/host_key
PidFile $root/sshd.pid
AuthorizedKeysFile $root/authorized_keys
UsePAM no
StrictModes no
PermitRootLogin yes
Subsystem sftp internal-sftp
CONFIG
"$root/deb/usr/sbin/sshd" -f "$root/sshd_config" -E "$root/sshd.log"
unset LD_LIBRARY_PATH
cat >"$root/ssh_config" <<CONFIG
Host gpu
  HostName 127.0.0.1
  Port $port
  User root
  IdentityFile $root/user_key
  UserKnownHostsFile $root/known_hosts
CONFIG
cp "$root/ssh_config" ~/.ssh/config

status=0
time COLUMNS=100 "$python" -m preflight gpu --accept-new-host-key --save-capture "$out/capture.json" \
  --json "$out/report.json" >"$out/report.txt" || status=$?
cat "$out/report.txt"
"$python" -m preflight check --capture "$out/capture.json" -v >"$out/report-v.txt" || true
for _ in 1 2 3; do time "$python" -m preflight gpu --level look >/dev/null || true; done
pgrep -af 'exec\(sys.stdin' && { echo "a probe stayed behind"; exit 1; }
echo "exit status $status"
