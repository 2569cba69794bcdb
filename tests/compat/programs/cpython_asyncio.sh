# SPDX-License-Identifier: GPL-2.0-or-later
# CPython's test_asyncio, the modules that send and receive: the same tests pass, fail and are skipped. (All modules in
# one process, as test.test_asyncio loads them, hang without the library too.)
# needs: /usr/bin/python3
# limit: 70
# unstable
. "${0%/*}/support/common.sh"
cpython_suites test.test_asyncio.test_{base_events,buffered_proto,events,proactor_events,selector_events,sendfile} \
  test.test_asyncio.test_{server,sock_lowlevel,ssl,sslproto,streams,transports,unix_events}
