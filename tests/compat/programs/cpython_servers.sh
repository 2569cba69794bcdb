# SPDX-License-Identifier: GPL-2.0-or-later
# CPython's test_asyncore and other users of sockets: the same tests pass, fail and are skipped.
# needs: /usr/bin/python3
# limit: 60
# unstable
. "${0%/*}/support/common.sh"
cpython_suites test.test_{asyncore,asynchat,epoll,ftplib,poll,poplib,select,selectors,smtplib,socketserver,telnetlib}
