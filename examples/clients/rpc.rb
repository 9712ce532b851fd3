#!/usr/bin/env ruby
# SPDX-License-Identifier: MIT
# Calls a function of a uWSGI server: "rpc.rb HOST:PORT NAME [ARG...]" prints its result.
require 'socket'

# Calls NAME at NODE ("host:port"). Name, arguments and result are strings of bytes.
def uwsgi_rpc(node, name, *args)
  body = [name, *args].map(&:b).reject(&:empty?).map { |item| [item.bytesize].pack('v') + item }.join
  raise ArgumentError, 'name and arguments are over 65535 bytes' if body.bytesize > 65_535

  host, _, port = node.rpartition(':')
  Socket.tcp(host.delete('[]'), port, connect_timeout: 60) do |socket|
    socket.write([173, body.bytesize, 0].pack('CvC') + body)
    modifier1, size, modifier2 = uwsgi_read(socket, 4).unpack('CvC')
    raise IOError, 'the node answered something else' if modifier1 != 173 || ![0, 5].include?(modifier2)

    result = uwsgi_read(socket, size)
    # That was a dictionary; its CONTENT_LENGTH says what follows.
    result = uwsgi_read(socket, Integer(result[/CONTENT_LENGTH..(\d+)/mn, 1], 10)) if modifier2 == 5
    return result
  end
end

def uwsgi_read(socket, count)
  data = socket.read(count) || ''.b
  raise IOError, 'the node closed the connection without an answer' if data.bytesize < count

  data
end

if $PROGRAM_NAME == __FILE__
  abort 'usage: rpc.rb HOST:PORT NAME [ARG...]' if ARGV.size < 2
  begin
    $stdout.binmode.write(uwsgi_rpc(*ARGV))
  rescue StandardError => e
    abort "rpc.rb: #{e.message}"
  end
end
