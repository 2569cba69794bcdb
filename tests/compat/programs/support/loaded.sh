# SPDX-License-Identifier: GPL-2.0-or-later
# Not a case: says where the library is loaded.
. "${0%/*}/common.sh"
install -m 4755 "$(command -v cat)" setuid_cat
loaded() { # NAME COMMAND...
  if "${@:2}" /proc/self/maps | grep libctgate >/dev/null; then echo "$1: yes"; else echo "$1: no"; fi
}
loaded root cat
loaded user as_user cat
loaded setuid as_user ./setuid_cat
