<?php
// SPDX-License-Identifier: MIT
// Calls a function of a uWSGI server: "php rpc.php HOST:PORT NAME [ARG...]" prints its result.

// Calls $name at $node ("host:port"). Name, arguments and result are strings of bytes.
function uwsgi_rpc(string $node, string $name, string ...$args): string
{
    $items = array_filter([$name, ...$args], 'strlen');
    $body = implode(array_map(fn ($item) => pack('v', strlen($item)) . $item, $items));
    if (strlen($body) > 65535) {
        throw new LengthException('name and arguments are over 65535 bytes');
    }
    $socket = @stream_socket_client("tcp://$node", $errno, $error, 60)
        ?: throw new RuntimeException("cannot connect to $node: $error");
    @fwrite($socket, pack('CvC', 173, strlen($body), 0) . $body);
    $read = function ($count) use ($socket): string {
        $data = $count ? (string) @stream_get_contents($socket, $count) : '';
        if (strlen($data) < $count) {
            throw new RuntimeException('the node closed the connection without an answer');
        }
        return $data;
    };
    [1 => $modifier1, 2 => $low, 3 => $high, 4 => $modifier2] = unpack('C4', $read(4));
    $result = $modifier1 === 173 ? $read($low + 256 * $high) : '';
    if ($modifier2 === 5 && preg_match('/CONTENT_LENGTH..(\d+)/s', $result, $length)) {
        return $read((int) $length[1]); // what came before is a dictionary
    } elseif ($modifier1 !== 173 || $modifier2 !== 0) {
        throw new RuntimeException('the node answered something else');
    }
    return $result;
}

if (realpath($argv[0] ?? '') === __FILE__) {
    try {
        echo uwsgi_rpc(...array_slice($argv, 1));
    } catch (Throwable $error) {
        fwrite(STDERR, "rpc.php: {$error->getMessage()}\n");
        exit(1);
    }
}
