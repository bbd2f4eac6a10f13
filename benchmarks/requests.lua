-- Sends the requests of a file in turn. Arguments: the file, the number to start counting at.
-- The file holds, for each request, a line with its length and then its bytes. The ten digits 0123456789 become a number
-- that grows with every request, so that no two writes are alike.
local requests, counter, index = {}, 0, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  counter = tonumber(args[2])
  while true do
    local length = file:read("*l")
    if not length then break end
    local raw = file:read(tonumber(length))
    local parts, from = {}, 1
    while true do
      local at = raw:find("0123456789", from, true)
      if not at then break end
      parts[#parts + 1] = raw:sub(from, at - 1)
      from = at + 10
    end
    parts[#parts + 1] = raw:sub(from)
    requests[#requests + 1] = parts
  end
  index = counter
end

function request()
  index = index + 1
  local parts = requests[index % #requests + 1]
  if #parts == 1 then return parts[1] end
  counter = counter + 1
  return table.concat(parts, string.format("%010d", counter))
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format('RESULT {"requests": %d, "seconds": %.6f, "failed": %d, "p50": %.4f, "p99": %.4f}',
    summary.requests, summary.duration / 1e6,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
