// SPDX-License-Identifier: MIT
// @foxglove/xmlrpc: what it makes of the XML-RPC bridge at the URL given.
'use strict';
const {XmlRpcClient} = require('@foxglove/xmlrpc');
const client = new XmlRpcClient(process.argv[2]);

async function main() {
  console.log(await client.methodCall('hello', ['big', 'world']));
  const bytes = await client.methodCall('first', [Buffer.from([0, 255, 128])]);
  console.log(Buffer.from(bytes).toString('hex'));
  await client.methodCall('nosuch').catch((fault) => console.log(fault.faultCode));
  console.log(await client.methodCall('echo', [1, true, 1.5, 'é']));
  const results = await client.multiMethodCall([
    {methodName: 'hello', params: ['one']}, {methodName: 'nosuch', params: []}]);
  console.log(results[0], results[1].faultCode);
}

main();
