-- wrk: every second request is a POST of 64 KiB.
local body = string.rep("x", 65536)
local number = 0

function request()
  number = number + 1
  if number % 2 == 0 then
    return wrk.format("POST", "/size", nil, body)
  end
  return wrk.format("GET", "/echo/7")
end
