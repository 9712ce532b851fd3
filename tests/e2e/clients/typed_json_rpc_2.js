// SPDX-License-Identifier: MIT
// json-rpc-2.0: typed functions at the URL given, by name and by position.
'use strict';
const {JSONRPCClient} = require('json-rpc-2.0');
const client = new JSONRPCClient(async (request) => {
  const response = await fetch(process.argv[2], {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(request)});
  if (response.status === 200)
    client.receive(await response.json());
});

async function main() {
  console.log(await client.request('add', {x: 1, y: 2}) + 1, await client.request('add', [1.5, 2]));
  console.log(JSON.stringify(await client.request('echo', {value: [1, {a: [null, true, 'é']}, '1']})));
  console.log((await client.request('user', {id: 1})).name);
  for (const [name, params] of [['user', {id: 7}], ['add', {x: 1}], ['boom', []], ['text', {}]]) {
    await client.request(name, params).then(console.log, (error) =>
      console.log(error.code, error.message, JSON.stringify(error.data)));
  }
}

main();
