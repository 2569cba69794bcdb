# SPDX-License-Identifier: GPL-2.0-or-later
# Chromium renders a page from a server and two ends of a WebRTC data channel in it talk over UDP, as a user without
# rights; with its sandbox where that works, otherwise without it.
# needs: chromium setpriv python3
# limit: 60
. "${0%/*}/support/common.sh"
cat >page.html <<'END'
<!doctype html><title>page</title><body><p id=script>no script</p><p id=channel>no channel</p><img src=/wait><script>
document.getElementById('script').textContent = [1, 2, 3].map((n) => n * n).join();
async function talk() {
  const a = new RTCPeerConnection(), b = new RTCPeerConnection();
  const channel = a.createDataChannel('c');
  b.ondatachannel = (event) => { event.channel.onmessage = (message) => event.channel.send(message.data + ' back'); };
  let heard = 0;
  channel.onopen = () => { for (let i = 0; i < 20; ++i) channel.send('there and'); };
  channel.onmessage = (message) => {
    if (++heard < 20) return;
    document.getElementById('channel').textContent = message.data;
    fetch('/done');
  };
  const described = async (end) => {
    await end.setLocalDescription();
    while (end.iceGatheringState !== 'complete') await new Promise((next) => { end.onicegatheringstatechange = next; });
    return end.localDescription;
  };
  await b.setRemoteDescription(await described(a));
  await a.setRemoteDescription(await described(b));
}
talk();
</script></body>
END
# The page is not loaded, and so not printed, before it has its picture, which comes when the channel has done its work.
cat >server.py <<'END'
import http.server, threading
done = threading.Event()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/done":
            done.set()
        if self.path == "/wait":
            done.wait(15)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if self.path == "/page.html":
            self.wfile.write(open("page.html", "rb").read())
http.server.ThreadingHTTPServer(("192.0.2.1", 8000), Handler).serve_forever()
END
serve python3 server.py
await tcp 8000
# Chromium offers the address that it would go out by.
ip link delete compat0 2>/dev/null || true
ip -batch - <<'END'
link add compat0 type veth peer name compat1
address add 198.51.100.1/24 dev compat0
link set compat0 up
link set compat1 up
route add default via 198.51.100.2
END
browse() { # OPTION...
  as_user timeout 40 chromium --headless --disable-gpu --disable-dev-shm-usage --user-data-dir="$PWD/profile" \
    --no-first-run --allow-loopback-in-peer-connection --disable-features=WebRtcHideLocalIpsWithMdns \
    --timeout=20000 --dump-dom "$@" "http://$here:8000/page.html" >dom 2>chromium.log && grep -q 1,4,9 dom
}
if browse; then
  echo "with its sandbox"
elif browse --no-sandbox; then
  echo "without its sandbox, which does not work here"
else
  tail -n 5 chromium.log >&2
  cannot_work_here "chromium does not work here"
fi
grep -o '<p.*</p>' dom
