# SPDX-License-Identifier: GPL-2.0-or-later
# ssh -V, and what ssh makes of a host that does not answer.
# needs: ssh
. "${0%/*}/support/common.sh"
ssh -V
ssh -F none -o BatchMode=yes -p 9 "$here" true || echo "exit $?"
