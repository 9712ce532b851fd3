// SPDX-License-Identifier: MIT
// The npm package xmlrpc: what it makes of the XML-RPC bridge at the URL given.
'use strict';
const client = require('xmlrpc').createClient(process.argv[2]);

function call(method, ...args) {
  return new Promise((resolve, reject) => client.methodCall(method, args, (error, value) =>
    error ? reject(error) : resolve(value)));
}

async function main() {
  console.log(await call('hello', 'big', 'world'));
  console.log((await call('first', Buffer.from([0, 255, 128]))).toString('hex'));
  await call('nosuch').catch((fault) => console.log(fault.faultCode));
  console.log(await call('echo', 1, true, 1.5, 'é'));
  const results = await call('system.multicall', [
    {methodName: 'hello', params: ['one']}, {methodName: 'nosuch', params: []}]);
  console.log(results[0][0], results[1].faultCode);
}

main();
