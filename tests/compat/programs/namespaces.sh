# SPDX-License-Identifier: GPL-2.0-or-later
# A user namespace needs a process without threads, a container's init its signals: unshare, setpriv, chroot, timeout.
# needs: unshare setpriv timeout
. "${0%/*}/support/common.sh"
as_user unshare --user --map-root-user id -u || echo "exit $?"
unshare --pid --fork --mount-proc sh -c 'echo $$; exit 8' || echo "exit $?"
setpriv --no-new-privs --bounding-set=-all cat /proc/self/status | grep NoNewPrivs
timeout --preserve-status 0.2 sleep 5 || echo "exit $?"
chroot / /bin/echo changed
nice -n 5 nice
