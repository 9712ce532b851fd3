// SPDX-License-Identifier: MIT
// json-rpc-2.0: what it makes of the JSON-RPC bridge at the URL given.
'use strict';
const {JSONRPCClient} = require('json-rpc-2.0');

const client = new JSONRPCClient(async (document) => {
  const headers = {'Content-Type': 'application/json'};
  const answer = await fetch(process.argv[2], {method: 'POST', headers, body: JSON.stringify(document)});
  if (answer.status === 204) console.log('nothing to receive');
  else client.receive(await answer.json());
});

async function main() {
  console.log(await client.request('hello', ['big', 'world']));
  const decoded = await client.request('first', [{base64: Buffer.from([0, 255, 128]).toString('base64')}]);
  console.log(Buffer.from(decoded.base64, 'base64').toString('hex'));
  await client.request('nosuch', []).catch((error) => console.log(error.code));
  console.log(await client.request('echo', [1, true, 1.5, null, 'é']));
  const calls = ['one', 'two'].map((name, id) => ({jsonrpc: '2.0', method: 'hello', params: [name], id}));
  console.log((await client.requestAdvanced(calls)).map((answer) => answer.result).join(' '));
  await client.notify('hello', ['notified']);
}

main();
