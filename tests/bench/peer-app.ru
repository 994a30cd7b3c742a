# The program that Ruby's peers run: GET /echo/ID answers "ID 0 PID\n".
run lambda { |env|
  _, kind, id = env['PATH_INFO'].split('/')
  next [404, { 'Content-Length' => '0' }, []] unless kind == 'echo'

  line = "#{id} 0 #{Process.pid}\n"
  headers = { 'Content-Type' => 'text/plain', 'Content-Length' => line.bytesize.to_s }
  [200, headers, [line]]
}
