# SPDX-License-Identifier: GPL-2.0-or-later
# sudo: setuid root, started by a user, with the environment cleaned and without a terminal.
# needs: sudo setpriv
. "${0%/*}/support/common.sh"
printf '%s\n' 'Defaults !lecture, !syslog' 'compat ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/compat
chmod 440 /etc/sudoers.d/compat
as_user sudo -n id -un
as_user sudo -n -u nobody sh -c 'id -un; echo "to stderr" >&2; exit 9' || echo "exit $?"
as_user sudo -n env | grep -E '^(SUDO_USER|LOGNAME|PATH)='
as_user sudo -n -l | tail -n 1
sudo --version | head -n 1
rm /etc/sudoers.d/compat
as_user sudo -n true || echo "exit $?"
