# SPDX-License-Identifier: GPL-2.0-or-later
# CPython's test_socket, without VSOCK: the same tests pass, fail and are skipped.
# needs: /usr/bin/python3
# limit: 70
# unstable
. "${0%/*}/support/common.sh"
cpython_suites test.test_socket
