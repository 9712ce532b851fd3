// SPDX-License-Identifier: MIT
// typed-rpc: what it makes of the JSON-RPC bridge at the URL given. It leaves out params that are none.
'use strict';
const client = require('typed-rpc').rpcClient(process.argv[2]);

async function main() {
  console.log(await client.hello('big', 'world'));
  const decoded = await client.first({base64: Buffer.from([0, 255, 128]).toString('base64')});
  console.log(Buffer.from(decoded.base64, 'base64').toString('hex'));
  await client.nosuch().catch((error) => console.log(error.code));
  console.log(await client.echo(1, true, 1.5, null, 'é'));
  console.log(await client.hello());
}

main();
