// SPDX-License-Identifier: MIT
// davexmlrpc: what it makes of the XML-RPC bridge at the URL given.
'use strict';
const {client} = require('davexmlrpc');

function call(method, ...params) {
  return new Promise((resolve, reject) => client(process.argv[2], method, params, 'xml',
    (error, value) => error ? reject(error) : resolve(value)));
}

async function main() {
  console.log(await call('hello', 'big', 'world'));
  console.log(await call('first', Buffer.from('\0é')));
  await call('nosuch').catch((fault) => console.log(fault.faultCode));
  console.log(await call('echo', 1, true, 1.5, 'é'));
}

main();
