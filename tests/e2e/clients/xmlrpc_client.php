<?php
// SPDX-License-Identifier: MIT
// PHP's xmlrpc extension over file_get_contents: what it makes of the XML-RPC bridge at the URL given.
function call(string $method, ...$params)
{
    global $argv;
    $http = ['method' => 'POST', 'header' => 'Content-Type: text/xml',
        'content' => xmlrpc_encode_request($method, $params, ['encoding' => 'UTF-8', 'escaping' => 'markup'])];
    return xmlrpc_decode(file_get_contents($argv[1], false, stream_context_create(['http' => $http])), 'UTF-8');
}

$bytes = "\0\xff\x80";
xmlrpc_set_type($bytes, 'base64');
$date = '20250131T00:00:00';
xmlrpc_set_type($date, 'datetime');

echo call('hello', 'big', 'world'), "\n";
echo bin2hex(call('first', $bytes)->scalar), "\n";
echo call('nosuch')['faultCode'], "\n";
echo call('echo', 1, true, 1.5, 'é', $date), "\n";
$results = call('system.multicall', [
    ['methodName' => 'hello', 'params' => ['one']], ['methodName' => 'nosuch', 'params' => []]]);
echo $results[0][0], ' ', $results[1]['faultCode'], "\n";
