-- wrk's script: callbacks that differ from each other, as cheaply as Lua can make them. A string is put together for each
-- request and nothing else; wrk.format and a response function would cost more than the rest of wrk.
-- Arguments: a file with the head and body of a request, in which %ID% stands for ten digits; the first id.
local before, after, serial

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local request = file:read("*a")
  file:close()
  local from, to = request:find("%ID%", 1, true)
  before, after = request:sub(1, from - 1), request:sub(to + 1)
  serial = tonumber(args[2])
end

function request()
  serial = serial + 1
  return before .. string.format("%010d", serial) .. after
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"statusErrors":%d,"socketErrors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
