# SPDX-License-Identifier: GPL-2.0-or-later
# su: setuid root, started by a user who has to know the password, and by root.
# needs: su setpriv chpasswd
. "${0%/*}/support/common.sh"
echo 'compat:secret' | chpasswd
su compat -c 'id -un; exit 3' || echo "exit $?"
as_user sh -c 'echo secret | su compat -c "id -un; echo ok"'
as_user sh -c 'echo wrong | su compat -c "id -un"' || echo "exit $?"
