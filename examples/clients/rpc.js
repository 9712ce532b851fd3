#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Calls a function of a uWSGI server: "rpc.js HOST:PORT NAME [ARG...]" prints its result.
const net = require('net');

// Calls name at node ("host:port"); name and arguments are Buffers or strings (sent as UTF-8).
// Returns a promise of the result, a Buffer.
async function uwsgiRpc(node, name, ...args) {
  const items = [name, ...args].map((item) => Buffer.from(item)).filter((item) => item.length);
  const u16 = (number) => Buffer.from([number & 255, number >> 8]);
  const body = Buffer.concat(items.flatMap((item) => [u16(item.length), item]));
  if (body.length > 65535) throw new RangeError('name and arguments are over 65535 bytes');
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(node) || [];
  const socket = net.connect({ host, port });
  socket.write(Buffer.concat([Buffer.from([173]), u16(body.length), Buffer.from([0]), body]));
  const chunks = [];
  let [start, end, count] = [0, 4, 0];
  for await (const chunk of socket) {
    chunks.push(chunk);
    count += chunk.length;
    if (count < end) continue;
    const reply = Buffer.concat(chunks);
    [start, end] = bounds(reply);
    if (count >= end) return reply.subarray(start, end);
  }
  throw new Error('the node closed the connection without an answer');
}

// Where the result in a reply starts and ends, or how much is needed to know that.
function bounds(reply) {
  const size = 4 + reply.readUInt16LE(1);
  if (reply[0] !== 173 || ![0, 5].includes(reply[3])) throw new Error('the node answered something else');
  if (reply[3] === 0 || reply.length < size) return [4, size];
  return [size, size + Number(/CONTENT_LENGTH..(\d+)/s.exec(reply.toString('latin1', 4, size))[1])];
}

module.exports = uwsgiRpc;
const fail = (error) => { console.error(`rpc.js: ${error.message}`); process.exitCode = 1; };
const main = (argv) => uwsgiRpc(...argv).then((result) => process.stdout.write(result), fail);
if (require.main === module) main(process.argv.slice(2));
