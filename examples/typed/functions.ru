# SPDX-License-Identifier: MIT
# Typed functions in Ruby.
require_relative 'typed'

typed(:add) { |x, y| x + y }

typed(:user) do |id|
  raise TypedError.new(404, 'no such user', { id: id }) unless id == 1

  { id: id, name: "Zo\u00EB" }
end

typed(:echo) { |value| value }

typed(:total) { |items| items.sum { |item| item['price'] * item['count'] } }

typed(:boom) { raise 'boom' }

# Not JSON, whatever rpc-json says of it.
UWSGI.register_rpc('text', ->(_params) { 'text' })

# With Rack 3, uWSGI takes an object only, and no lambda.
class Application
  def call(_env)
    [200, { 'content-type' => 'text/plain' }, ['typed']]
  end
end

run Application.new
