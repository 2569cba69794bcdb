// SPDX-License-Identifier: GPL-2.0-or-later
// Bursts from node's dgram, as its users write them: burst.js ADDRESS PORT MODE FLOWS DATAGRAMS. Modes: connected,
// unconnected, many (all sockets at once), callback (the next datagram when the last one was handed over), and parts
// (each datagram from several buffers). Prints answered=N.
'use strict';
const dgram = require('dgram');
const [address, port, mode, flows, datagrams] =
  process.argv.slice(2).map((word, index) => (index === 1 || index > 2 ? Number(word) : word));

// The lab's mark: "ctgt", which flow, which datagram of it.
function mark(flow, index) {
  const bytes = Buffer.alloc(12);
  bytes.write('ctgt');
  bytes.writeUInt32BE(flow, 4);
  bytes.writeUInt32BE(index, 8);
  return bytes;
}

function send(socket, flow, index, done) {
  const bytes = mark(flow, index);
  const payload = mode === 'parts' ? [bytes.subarray(0, 4), bytes.subarray(4)] : bytes;
  if (mode === 'connected') socket.send(payload, done);
  else socket.send(payload, port, address, done);
}

function burst(socket, flow) {
  if (mode === 'callback') {
    const next = (index) => {
      if (index < datagrams) send(socket, flow, index, () => next(index + 1));
    };
    next(0);
  } else {
    for (let index = 0; index < datagrams; ++index) send(socket, flow, index);
  }
}

// One flow; resolves to how many answers came within a second.
function talk(flow) {
  return new Promise((done) => {
    const socket = dgram.createSocket('udp4');
    let answered = 0;
    const end = () => socket.close(() => done(answered));
    const deadline = setTimeout(end, 1000);
    socket.on('message', () => {
      if (++answered < datagrams) return;
      clearTimeout(deadline);
      end();
    });
    if (mode === 'connected') socket.connect(port, address, () => burst(socket, flow));
    else burst(socket, flow);
  });
}

(async () => {
  const numbers = Array.from({ length: flows }, (_, flow) => flow);
  let answered = 0;
  if (mode === 'many') {
    for (const count of await Promise.all(numbers.map(talk))) answered += count;
  } else {
    for (const flow of numbers) answered += await talk(flow);
  }
  console.log(`answered=${answered}`);
})();
