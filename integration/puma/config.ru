# frozen_string_literal: true

# A Rack application.
#
# GET /echo/ID[?ms=N]   "ID REVISION PID\n", after N ms
require "rack"

REVISION = [ENV.fetch("RELOADD_REVISION", "0"), ENV["RELOADD_RELEASE"]].compact.join(":")

run(lambda do |env|
  request = Rack::Request.new(env)
  _, kind, id = request.path_info.split("/")
  return [404, { "Content-Length" => "0" }, []] unless kind == "echo"

  sleep(request.params.fetch("ms", "0").to_i / 1000.0)
  line = "#{id} #{REVISION} #{Process.pid}\n"
  [200, { "Content-Type" => "text/plain", "Content-Length" => line.bytesize.to_s }, [line]]
end)
