# SPDX-License-Identifier: MIT
# Ruby's xmlrpc/client: what it makes of the XML-RPC bridge at the URL given.
require 'xmlrpc/client'

client = XMLRPC::Client.new2(ARGV[0])
puts client.call('hello', 'big', 'world')
puts client.call('first', XMLRPC::Base64.new("\0\xff\x80".b)).unpack1('H*')
begin
  client.call('nosuch')
rescue XMLRPC::FaultException => fault
  puts fault.faultCode
end
puts client.call('echo', 1, true, 1.5, 'text', Time.utc(2025, 1, 31))
results = client.multicall(['hello', 'one'], ['nosuch'])
puts "#{results[0]} #{results[1].faultCode}"
puts client.proxy.hello('by', 'proxy')
