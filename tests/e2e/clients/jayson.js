// SPDX-License-Identifier: MIT
// jayson: what it makes of the JSON-RPC bridge at the URL given.
'use strict';
const client = require('jayson/promise').Client.http(process.argv[2]);

async function main() {
  console.log((await client.request('hello', ['big', 'world'])).result);
  const coded = {base64: Buffer.from([0, 255, 128]).toString('base64')};
  const decoded = (await client.request('first', [coded])).result;
  console.log(Buffer.from(decoded.base64, 'base64').toString('hex'));
  console.log((await client.request('nosuch', [])).error.code);
  console.log((await client.request('echo', [1, true, 1.5, null, 'é', {a: [1]}])).result);
  const batch = [client.request('hello', ['one'], undefined, false),
    client.request('hello', ['nobody listens'], null, false),
    client.request('hello', ['two'], undefined, false)];
  const answers = await client.request(batch);
  console.log(answers.map((answer) => answer.result).join(' '));
  console.log(await client.request('hello', ['notified'], null));
}

main();
