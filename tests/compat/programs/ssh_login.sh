# SPDX-License-Identifier: GPL-2.0-or-later
# A login by key to a real sshd with its privilege separation: the process that talks to strangers has a seccomp filter
# which kills it for any unexpected system call. Exit codes, a file by sftp and scp, a terminal, a forwarded port.
# needs: sshd ssh ssh-keygen scp python3
. "${0%/*}/support/common.sh"
mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f host_key
ssh-keygen -q -t ed25519 -N '' -f user_key
printf '[%s]:2222 %s\n' "$here" "$(cut -d ' ' -f 1,2 host_key.pub)" >known_hosts
cat >sshd_config <<END
ListenAddress $here:2222
HostKey $PWD/host_key
AuthorizedKeysFile $PWD/user_key.pub
PidFile none
StrictModes no
UsePAM no
PrintMotd no
PrintLastLog no
LogLevel DEBUG3
Subsystem sftp internal-sftp
END
options=(-F none -i user_key -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=known_hosts
  -o GlobalKnownHostsFile=/dev/null)
serve "$(command -v sshd)" -D -e -f sshd_config
await tcp 2222
login() { ssh "${options[@]}" -p 2222 "compat@$here" "$@"; }
login echo ok
login 'id -un; echo "to stderr" >&2; exit 23' || echo "exit $?"
seq 50000 | login md5sum
login -tt 'tty -s && echo a terminal' 2>/dev/null | tr -d '\r'
scp -q "${options[@]}" -P 2222 "compat@$here:/etc/hosts" copy && cmp copy /etc/hosts
ssh -F none -o BatchMode=yes -o PubkeyAuthentication=no -o StrictHostKeyChecking=yes -o UserKnownHostsFile=known_hosts \
  -p 2222 "compat@$here" true || echo "exit $?"
# Port forwarding: HTTP through the tunnel.
serve python3 -m http.server --bind "$here" --directory /etc 8000
await tcp 8000
serve ssh "${options[@]}" -N -L 8001:"$here":8000 -p 2222 "compat@$here"
await tcp 8001
python3 -c 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:8001/hosts").read().decode(), end="")'
# As the program is built; the same with the library.
grep -c -o 'attaching seccomp filter' sshd.log || echo "sshd has no seccomp sandbox"
