/** The scripts of BullMQ that add a job, as far as {@link addJobsScript} knows them. */
export const ADD_COMMANDS = ["addStandardJob", "addPrioritizedJob"] as const;
export type AddCommandName = (typeof ADD_COMMANDS)[number];

/** Where the keys of each are, from 1. */
const KEY_NAMES = {
  addStandardJob: "wait, paused, meta, id, completed, delayed, active, events, marker",
  addPrioritizedJob: "marker, meta, id, prioritized, delayed, completed, active, events, pc",
} as const satisfies Record<AddCommandName, string>;

/** How each reads what the jobs will be listed in, and lists them. */
const LISTS = {
  addStandardJob: {
    read: `rcall("LLEN", wait)`,
    list: `rcall("LPUSH", wait, unpack(added))`,
  },
  addPrioritizedJob: {
    read: `rcall("ZCARD", prioritized)
rcall("GET", pc)`,
    list: `local scored = {}
  local last = rcall("INCRBY", pc, #added)
  for index = 1, #added do
    scored[index * 2 - 1] = priority * 0x100000000 + (last - #added + index) % 0x100000000
    scored[index * 2] = added[index]
  end
  rcall("ZADD", prioritized, unpack(scored))`,
  },
} as const satisfies Record<AddCommandName, { read: string; list: string }>;

/**
 * Adds N waiting jobs to a queue of BullMQ in one call: what BullMQ 6.7's own script leaves behind when it is
 * called N times, once for each of them (docs/adr/0011-batch-add.md; test/batch-add.int.test.ts holds the two against
 * each other, key by key).
 *
 * Every job has an id of its own, no parent, no delay and no deduplication key; all have the same priority, or none. For
 * each, in their order:
 *
 * - a job whose id is there already, in whatever state, or earlier in the same call, stays as it is; the event
 *   `duplicated` tells;
 * - any other becomes a hash and an element of the list of waiting jobs, or of the set of those with a priority, with
 *   the events `added` and `waiting`.
 *
 * Then the marker that wakes workers is set, unless the queue is paused or has all the active jobs it may have. A queue
 * without `opts.maxLenEvents` gets BullMQ's default.
 *
 * All or nothing: whatever may fail is read before the first write, and that one is refused by a Redis that is full.
 * Redis does not roll back a script that ends in the middle, and a job that is stored but not listed would take the id
 * of every redelivery and never be worked on.
 *
 * - KEYS: those of BullMQ's script, in its order.
 * - ARGV: the time of adding; then for each job its id, its data and its telemetry metadata, which is empty for none.
 * - Result: for each job 1 when it was added, 0 when its id was there.
 *
 * @param own BullMQ's script for such a job.
 * @param head the packed arguments of that script for any of these jobs: prefix and name are taken from them.
 * @param opts the packed options for any of these jobs: the id, and the metadata if there is one, are put in their
 *   places. They are part of the script, since they are the same in every call.
 */
export function addJobsScript(own: AddCommandName, head: Buffer, opts: Buffer): string {
  const { read, list } = LISTS[own];
  return `
local ${KEY_NAMES[own]} = unpack(KEYS)
local rcall = redis.call

local head = cmsgpack.unpack(${luaString(head)})
local opts = cmsgpack.unpack(${luaString(opts)})
local prefix, name, priority = head[1], head[3], opts["priority"] or 0
local timestamp = ARGV[1]

local settings = rcall("HMGET", meta, "opts.maxLenEvents", "paused", "concurrency")
local isHeld = settings[2] or (settings[3] and rcall("LLEN", active) >= tonumber(settings[3]))
${read}
rcall("XLEN", events)
rcall("ZCARD", marker)
local results, seen = {}, {}
for at = 2, #ARGV, 3 do
  local jobId = ARGV[at]
  local isKnown = seen[jobId] or rcall("EXISTS", prefix .. jobId) == 1
  seen[jobId] = true
  results[#results + 1] = isKnown and 0 or 1
end

rcall("INCRBY", id, #results)
local maxEvents = settings[1]
if not maxEvents then
  maxEvents = 10000
  rcall("HSET", meta, "opts.maxLenEvents", maxEvents)
end
local added = {}
for index = 1, #results do
  local at = index * 3 - 1
  local jobId = ARGV[at]
  if results[index] == 0 then
    rcall("XADD", events, "MAXLEN", "~", maxEvents, "*", "event", "duplicated", "jobId", jobId)
  else
    opts["jobId"] = jobId
    opts["tm"] = ARGV[at + 2] ~= "" and ARGV[at + 2] or nil
    rcall("HMSET", prefix .. jobId, "name", name, "data", ARGV[at + 1], "opts", cjson.encode(opts),
      "timestamp", timestamp, "delay", 0, "priority", priority)
    rcall("XADD", events, "*", "event", "added", "jobId", jobId, "name", name)
    rcall("XADD", events, "MAXLEN", "~", maxEvents, "*", "event", "waiting", "jobId", jobId)
    added[#added + 1] = jobId
  end
end
if #added > 0 then
  ${list}
  if not isHeld then rcall("ZADD", marker, 0, "0") end
end
return results
`;
}

/** Bytes as a literal of Lua. */
function luaString(bytes: Buffer): string {
  return `"${[...bytes].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
}
