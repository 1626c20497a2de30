/**
 * Adds N waiting jobs to a queue of BullMQ in one call: what BullMQ 6.7's own `addStandardJob` leaves behind when it is
 * called N times, once for each of them (docs/adr/0011-batch-add.md; test/batch-add.int.test.ts holds the two against
 * each other, key by key).
 *
 * Every job has an id of its own, no parent, no delay, no priority and no deduplication key. For each, in their order:
 *
 * - a job whose id is there already, in whatever state, or earlier in the same call, stays as it is; the event
 *   `duplicated` tells;
 * - any other becomes a hash and an element of the list of waiting jobs, with the events `added` and `waiting`.
 *
 * Then the marker that wakes workers is set, unless the queue is paused or has all the active jobs it may have. A queue
 * without `opts.maxLenEvents` gets BullMQ's default.
 *
 * All or nothing: whatever may fail is read before the first write, and that one is refused by a Redis that is full.
 * Redis does not roll back a script that ends in the middle, and a job that is stored but not listed would take the id
 * of every redelivery and never be worked on.
 *
 * - KEYS: those of `addStandardJob`, in its order.
 * - ARGV: the time of adding; then for each job its id, its data and its telemetry metadata, which is empty for none.
 * - Result: for each job 1 when it was added, 0 when its id was there.
 *
 * @param head the packed arguments of `addStandardJob` for any of these jobs: prefix and name are taken from them.
 * @param opts the packed options for any of these jobs: the id, and the metadata if there is one, are put in their
 *   places. They are part of the script, since they are the same in every call.
 */
export function addJobsScript(head: Buffer, opts: Buffer): string {
  return `
local waitKey, metaKey, idKey, activeKey = KEYS[1], KEYS[3], KEYS[4], KEYS[7]
local eventsKey, markerKey = KEYS[8], KEYS[9]
local rcall = redis.call

local head = cmsgpack.unpack(${luaString(head)})
local opts = cmsgpack.unpack(${luaString(opts)})
local prefix, name = head[1], head[3]
local timestamp = ARGV[1]

local meta = rcall("HMGET", metaKey, "opts.maxLenEvents", "paused", "concurrency")
local isHeld = meta[2] or (meta[3] and rcall("LLEN", activeKey) >= tonumber(meta[3]))
rcall("LLEN", waitKey)
rcall("XLEN", eventsKey)
rcall("ZCARD", markerKey)
local results, seen = {}, {}
for at = 2, #ARGV, 3 do
  local id = ARGV[at]
  local isKnown = seen[id] or rcall("EXISTS", prefix .. id) == 1
  seen[id] = true
  results[#results + 1] = isKnown and 0 or 1
end

rcall("INCRBY", idKey, #results)
local maxEvents = meta[1]
if not maxEvents then
  maxEvents = 10000
  rcall("HSET", metaKey, "opts.maxLenEvents", maxEvents)
end
local added = {}
for index = 1, #results do
  local at = index * 3 - 1
  local id = ARGV[at]
  if results[index] == 0 then
    rcall("XADD", eventsKey, "MAXLEN", "~", maxEvents, "*", "event", "duplicated", "jobId", id)
  else
    opts["jobId"] = id
    if ARGV[at + 2] ~= "" then opts["tm"] = ARGV[at + 2] end
    rcall("HMSET", prefix .. id, "name", name, "data", ARGV[at + 1], "opts", cjson.encode(opts),
      "timestamp", timestamp, "delay", 0, "priority", 0)
    rcall("XADD", eventsKey, "*", "event", "added", "jobId", id, "name", name)
    rcall("XADD", eventsKey, "MAXLEN", "~", maxEvents, "*", "event", "waiting", "jobId", id)
    added[#added + 1] = id
  end
end
if #added > 0 then
  rcall("LPUSH", waitKey, unpack(added))
  if not isHeld then rcall("ZADD", markerKey, 0, "0") end
end
return results
`;
}

/** Bytes as a literal of Lua. */
function luaString(bytes: Buffer): string {
  return `"${[...bytes].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
}
