// SPDX-License-Identifier: MIT
// simple-jsonrpc-js: what it makes of the JSON-RPC bridge at the URL given.
'use strict';
const client = new (require('simple-jsonrpc-js'))();

client.toStream = async (body) => {
  const headers = {'Content-Type': 'application/json; charset=utf-8'};
  const answer = await fetch(process.argv[2], {method: 'POST', headers, body});
  if (answer.status === 200) client.messageHandler(await answer.text());
};

async function main() {
  console.log(await client.call('hello', ['big', 'world']));
  const decoded = await client.call('first', [{base64: Buffer.from([0, 255, 128]).toString('base64')}]);
  console.log(Buffer.from(decoded.base64, 'base64').toString('hex'));
  await client.call('nosuch').catch((error) => console.log(error.code));
  console.log(await client.call('echo', [1, true, 1.5, null, 'é']));
  const answers = await client.batch([{call: {method: 'hello', params: ['one']}},
    {notification: {method: 'hello', params: ['notified']}}, {call: {method: 'hello', params: ['two']}}]);
  console.log(answers.filter((answer) => answer).join(' '));
}

main();
