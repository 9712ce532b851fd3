# SPDX-License-Identifier: MIT
# The functions every language registers, in Ruby.
FUNCTIONS = {
  echo: ->(*args) { args.map { |arg| "#{arg.bytesize}:".b + arg.b + ','.b }.join },
  count: ->(*args) { args.length.to_s },
  empty: ->(*) { '' },
  one: ->(*) { '1' },
  big: ->(*) { 'x' * 102_400 },
  fail: ->(*) { raise 'refused by ruby_fail' },
  call: ->(name, *args) { UWSGI.rpc(nil, name, *args) },
  remote: ->(node, name, *args) { UWSGI.rpc(node, name, *args) }
}.freeze

FUNCTIONS.each { |name, function| UWSGI.register_rpc("ruby_#{name}", function) }

# With Rack 3, uWSGI takes an object only, and no lambda.
class Application
  def call(_env)
    [200, { 'content-type' => 'text/plain' }, ['ruby']]
  end
end

run Application.new
