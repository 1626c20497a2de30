/**
 * Ends jobs of BullMQ 6.7 that are completed, and takes the next ones, in one call: what its own script `moveToFinished`
 * does for one of them, for each in turn (docs/adr/0012-jobs-end-together.md; test/batched-ends.int.test.ts holds the two
 * against each other, key by key).
 *
 * BullMQ's own script is part of this one, and is what runs for every job that is not the plain case. It takes 28 calls
 * of Redis for a job; the plain case gets by with 14, since what is about the queue is looked at once for all. It is:
 *
 * - of the queue: it is not paused, has no limit on what is active or on its rate, no delayed job has come due, no
 *   metrics are kept, and at least as many jobs wait in the list as end here;
 * - of the job: it is there, under the lock of this worker, in the list of active jobs, without parent, children or
 *   deduplication key, and the next one is wanted.
 *
 * Nothing is written for a job before all of this is known of it, and of the keys that are written to for all together. The last of the call is always BullMQ's own: with it
 * events are trimmed, and jobs that ended long ago removed, for all of them.
 *
 * - KEYS: those of `moveToFinished`, in its order; the two of a job are replaced.
 * - ARGV: for each job its two keys and the arguments of `moveToFinished`.
 * - Result: for each job what `moveToFinished` gives, or the error with which it ended. Each ends for itself.
 *
 * @param own the text of BullMQ's `moveToFinished`. The parameters of the function that it becomes hide this script's
 *   own `KEYS` and `ARGV` from it.
 */
export function endJobsScript(own: string): string {
  return `
local function endByBullmq(KEYS, ARGV)
${own}
end

local rcall = redis.call
local wait, active, events, stalled = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local delayed, meta, marker = KEYS[7], KEYS[9], KEYS[14]
local count = #ARGV / ${ARGUMENTS_PER_JOB}
-- Of jobs that ended in the plain case.
local ids, locks, scored = {}, {}, {}

local function isPlainQueue(timestamp)
  local settings = rcall("HMGET", meta, "paused", "concurrency", "max", "opts.maxLenEvents")
  if settings[1] or settings[2] or settings[3] or not settings[4] then return false end
  local nextDelayed = rcall("ZRANGE", delayed, 0, 0, "WITHSCORES")[2]
  if nextDelayed and tonumber(nextDelayed) < (timestamp + 1) * 0x1000 then return false end
  rcall("SCARD", stalled)
  rcall("ZCARD", KEYS[11])
  local waiting = rcall("LRANGE", wait, -count, -1)
  if #waiting < count then return false end
  for _, id in ipairs(waiting) do
    -- A marker of an older BullMQ, and no job.
    if string.sub(id, 1, 2) == "0:" then return false end
  end
  return true
end

local function endPlain(keys, args)
  local id, timestamp, opts = args[1], args[2], cmsgpack.unpack(args[8])
  local jobKey = keys[12]
  if args[5] ~= "completed" or args[6] ~= "1" or args[9] ~= "" or opts["limiter"] or opts["maxMetricsSize"] ~= ""
    or opts["keepJobs"]["count"] == 0 or opts["token"] == "0" then
    return nil
  end
  if rcall("EXISTS", jobKey, jobKey .. ":dependencies", jobKey .. ":unsuccessful") ~= 1 then return nil end
  local job = rcall("HMGET", jobKey, "name", "parentKey", "parent", "deid", "atm")
  if not job[1] or job[2] or job[3] or job[4] then return nil end
  if rcall("GET", jobKey .. ":lock") ~= opts["token"] then return nil end
  if rcall("LREM", active, -1, id) ~= 1 then return nil end

  ids[#ids + 1] = id
  locks[#locks + 1] = jobKey .. ":lock"
  scored[#scored + 1] = timestamp
  scored[#scored + 1] = id
  rcall("HSET", jobKey, "atm", (tonumber(job[5]) or 0) + 1, args[3], args[4], "finishedOn", timestamp)
  rcall("XADD", events, "*", "event", args[5], "jobId", id, args[3], args[4], "prev", "active")

  local nextId = rcall("RPOPLPUSH", wait, active)
  local nextKey = args[7] .. nextId
  rcall("SET", nextKey .. ":lock", opts["token"], "PX", opts["lockDuration"])
  rcall("XADD", events, "*", "event", "active", "jobId", nextId, "prev", "waiting")
  local fields = rcall("HGETALL", nextKey)
  local changes = { "processedOn", timestamp, "ats", 1 }
  if opts["name"] then changes[5], changes[6] = "pb", opts["name"] end
  for field = 1, #fields, 2 do
    if fields[field] == "ats" then changes[4] = fields[field + 1] + 1 end
  end
  rcall("HSET", nextKey, unpack(changes))
  -- Of two fields of one name, whoever reads them takes the last.
  for _, change in ipairs(changes) do fields[#fields + 1] = tostring(change) end
  return { fields, nextId, 0, 0 }
end

-- Before the last one, with which BullMQ removes what ended long ago.
local function releaseEnded()
  if #ids == 0 then return end
  rcall("DEL", unpack(locks))
  rcall("SREM", stalled, unpack(ids))
  rcall("ZADD", KEYS[11], unpack(scored))
  -- BullMQ tells whoever waits that there is work after every job that it takes.
  rcall("ZADD", marker, 0, "0")
end

local isPlain = count > 1 and isPlainQueue(tonumber(ARGV[4]))
local results = {}
for index = 1, count do
  local at = (index - 1) * ${ARGUMENTS_PER_JOB}
  local keys, args = {}, {}
  for key = 1, #KEYS do keys[key] = KEYS[key] end
  keys[11], keys[12] = ARGV[at + 1], ARGV[at + 2]
  for arg = 1, ${ARGUMENTS_PER_JOB - 2} do args[arg] = ARGV[at + 2 + arg] end
  if index == count then releaseEnded() end
  local isDone, result = pcall(function()
    local ended = nil
    if isPlain and index < count then ended = endPlain(keys, args) end
    return ended or endByBullmq(keys, args) or false
  end)
  if isDone or type(result) == "table" then
    results[index] = result
  else
    results[index] = redis.error_reply(tostring(result))
  end
end
return results
`;
}

/** The keys of the job's end and of the job, and the nine arguments of `moveToFinished`. */
export const ARGUMENTS_PER_JOB = 11;
