// SPDX-License-Identifier: MIT
// @open-rpc/client-js: what it makes of the JSON-RPC bridge at the URL given.
import {pathToFileURL} from 'node:url';

const module = `${process.env.NODE_PATH}/@open-rpc/client-js/dist/index.js`;
const {Client, HTTPTransport, RequestManager} = await import(pathToFileURL(module));
const client = new Client(new RequestManager([new HTTPTransport(process.argv[2])]));
const call = (method, ...params) => client.request({method, params});

console.log(await call('hello', 'big', 'world'));
const decoded = await call('first', {base64: Buffer.from([0, 255, 128]).toString('base64')});
console.log(Buffer.from(decoded.base64, 'base64').toString('hex'));
await call('nosuch').catch((error) => console.log(error.code));
console.log(await call('echo', 1, true, 1.5, null, 'é'));
client.startBatch();
const answers = ['one', 'two'].map((name) => call('hello', name));
client.stopBatch();
console.log((await Promise.all(answers)).join(' '));
await client.notify({method: 'hello', params: ['notified']});
console.log((await call('rpc.discover')).openrpc.split('.')[0]);
client.close();
