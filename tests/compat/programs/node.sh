# SPDX-License-Identifier: GPL-2.0-or-later
# node: HTTP to itself, dgram, a worker, child processes, a name looked up, an unhandled rejection.
# needs: /usr/bin/node
. "${0%/*}/support/common.sh"
cat >program.js <<'END'
const dgram = require('dgram'), http = require('http'), dns = require('dns').promises;
const { execFileSync, spawnSync } = require('child_process');
const { Worker } = require('worker_threads');
const here = '192.0.2.1';
function echoServer() {
  const server = dgram.createSocket('udp4');
  server.on('message', (data, peer) => server.send(data, peer.port, peer.address));
  return new Promise((done) => server.bind(7000, here, () => done(server)));
}
function talk(connected) {
  return new Promise((done) => {
    const socket = dgram.createSocket('udp4'), heard = [];
    socket.on('message', (data) => {
      heard.push(data.toString());
      if (heard.length === 4) socket.close(() => done(heard.join()));
    });
    const burst = () => {
      for (let i = 0; i < 4; ++i) {
        if (connected) socket.send(`c${i}`);
        else socket.send([Buffer.from('u'), Buffer.from(`${i}`)], 7000, here);
      }
    };
    if (connected) socket.connect(7000, here, burst); else burst();
  });
}
(async () => {
  const server = await echoServer();
  for (const connected of [false, true]) console.log(await talk(connected));
  console.log((await Promise.all(Array.from({ length: 20 }, (_, i) => talk(i % 2 === 0)))).join(' '));
  server.close();
  const web = http.createServer((request, response) => response.end(`you asked for ${request.url}`));
  await new Promise((done) => web.listen(8000, here, done));
  const answer = await new Promise((done) => http.get({ host: here, port: 8000, path: '/x' }, done));
  for await (const part of answer) console.log(answer.statusCode, part.toString());
  web.close();
  console.log(await dns.lookup('compat.example', { family: 4 }));
  console.log(execFileSync('uname', ['-s']).toString(), spawnSync('sh', ['-c', 'exit 6']).status);
  await new Promise((done) => new Worker('require("worker_threads").parentPort.postMessage(7)', { eval: true })
    .on('message', (value) => done(console.log('worker', value))));
  process.stderr.write('to stderr\n');
  process.exitCode = 3;
})();
END
/usr/bin/node program.js || echo "exit $?"
