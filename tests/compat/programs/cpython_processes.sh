# SPDX-License-Identifier: GPL-2.0-or-later
# CPython's tests of programs as children and of threads: the same tests pass, fail and are skipped.
# needs: /usr/bin/python3
# limit: 70
# unstable
. "${0%/*}/support/common.sh"
cpython_suites test.test_asyncio.test_{subprocess,runners,threads} test.test_{fork1,popen,pty,threadsignals,wait3,wait4}
