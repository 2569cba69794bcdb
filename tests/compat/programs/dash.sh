# SPDX-License-Identifier: GPL-2.0-or-later
# dash: redirections, traps, background jobs, vfork and exec of others.
# needs: dash
. "${0%/*}/support/common.sh"
dash -c '
  trap "echo leaves" EXIT
  for i in 1 2 3; do echo "$i"; done | tac
  (kill -TERM "$(exec sh -c "echo \$PPID")") || echo "exit $?"
  /bin/true && /bin/false || echo "exit $?"
  { echo out; echo err >&2; } 2>&1 | cat
  sleep 0 & wait
  ulimit -n 64 && echo "files: $(ulimit -n)"
  cd / && ls -d etc
'
