# SPDX-License-Identifier: MIT
# Turns a function into a typed one: typed(:name) { |parameters| ... }, and rpc-json in uWSGI's
# configuration.
require 'json'

# What a caller is told: a code, a message, and data if there is some to tell.
class TypedError < StandardError
  attr_reader :code, :data

  def initialize(code, message, data = nil)
    super(message)
    @code = code
    @data = data
  end
end

def error_text(code, error, data = nil)
  "error #{code} #{error.to_s.split.join(' ')}" + (data.nil? ? '' : "\n#{JSON.generate(data)}")
end

# The parameters in their order, or nil when they are not these.
def in_order(params, names)
  return unless params.size == names.size

  params.is_a?(Array) ? params : names.map { |name| params.fetch(name) { return nil } }
end

def typed(name, &function)
  names = function.parameters.map { |_, parameter| parameter.to_s }
  UWSGI.register_rpc(name.to_s, lambda do |text|
    params = in_order(JSON.parse(text.dup.force_encoding('UTF-8')), names)
    params ? JSON.generate(function.call(*params)) : error_text(-32602, "#{name} takes: #{names.join(' ')}")
  rescue TypedError => e
    error_text(e.code, e, e.data)
  rescue StandardError => e
    error_text(-32000, e)
  end)
end
