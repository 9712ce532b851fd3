# UWSGI.rpc without a node calls a function of this server; that is UWSGI.local from here on.
UWSGI.singleton_class.class_eval { alias_method :local, :rpc; define_method(:rpc) { |*call| local('', 'net.call', *call) } }

def netstrings(*items)
  items.map { |item| "#{item.bytesize}:#{item}," }.join
end

# One call: its result, or how it failed.
UWSGI.register_rpc('ruby_ask', lambda do |*call|
  UWSGI.rpc(*call)
rescue RuntimeError
  UWSGI.local('', 'net.outcome')
end)

# A call for each argument, all at once.
UWSGI.register_rpc('ruby_gather', lambda do |nodes, name, *args|
  UWSGI.local('', 'net.gather', *args.map { |arg| netstrings(nodes, name, arg) })
end)

# What answers requests that are no calls.
class Application
  def call(_env)
    [404, {}, []]
  end
end

run Application.new
