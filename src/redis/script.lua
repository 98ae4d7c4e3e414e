-- Licensed under the Apache License, Version 2.0; see LICENSE.
--
-- What the store does, all of it in one script: so each command is one round
-- trip, and is done as a whole or not at all. ARGV[1] says what to do; see the
-- end. Only the server's clock is used.
--
-- An item is a limit under one key, and has two keys here:
--
--   in flight  :f  a sorted set: which uploads hold a place, each with the time
--                  in ms at which its lease ends
--              :b  a hash: how many bytes each of them has, and their sum
--   a quota    :q  a hash: of uploads (u) and of bytes (b) how much is spent
--              :r  a hash: of the same, what was given back
--
-- All keys expire: places with their leases, a quota soon after nothing is spent
-- any more. There are two more kinds of keys: one has what a command has returned,
-- so that a second attempt at it does nothing; and one is set by probe, to see
-- whether the server can be written to.

-- Redis 4 and older; since Redis 5 this is always so.
if redis.replicate_commands then
  redis.replicate_commands()
end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local now_ms = math.floor(now / 1000)

-- How long the outcome of a command is known, in ms. If its answer is lost,
-- httpd can take it back after an outage of up to so long.
local KNOWN_MS = 40000

-- How long it is known that an upload was settled: httpd does not settle it
-- again later than that. How long it is known which command must not be carried
-- out: it can be under way for long.
local SETTLED_MS = 10000
local VOID_MS = 60000

-- The next command for an item removes leases that have ended, but no more than
-- that at once.
local ENDED_AT_ONCE = 100

-- So many ranges of refunds are kept apart by their turns: enough for some 200
-- uploads that are aborted at once, in any order.
local REFUNDS = 64

-- A double is exact for whole numbers up to twice that. C clips amounts to it.
local AMOUNT_MAX = 4503599627370496

local function number(text)
  return tonumber(text) or 0
end

local function whole(n)
  return string.format('%.0f', n)
end

-- All digits that a double has.
local function exact(n)
  return string.format('%.17g', n)
end

-- --- in flight -----------------------------------------------------------

local function flight_forget(item, member)
  redis.call('ZREM', item.places, member)
  local bytes = item.has_bytes and redis.call('HGET', item.bytes_of, member)
  if bytes then
    redis.call('HDEL', item.bytes_of, member)
    redis.call('HINCRBY', item.bytes_of, 'sum', whole(0 - number(bytes)))
  end
end

-- When no place is left, nothing is left, not even a sum.
local function flight_tidy(item)
  if item.has_bytes and redis.call('EXISTS', item.places) == 0 then
    redis.call('DEL', item.bytes_of)
  end
end

-- Removes leases that have ended, and mends those that end too late: they were
-- made before the clock was set back. Sets item.held.
local function flight_clean(item)
  local last = now_ms + 2 * item.lease
  item.held = redis.call('ZCOUNT', item.places, '(' .. whole(now_ms),
                         whole(last))
  if item.held == redis.call('ZCOUNT', item.places, '-inf', '+inf') then
    return
  end
  local ended = redis.call('ZRANGEBYSCORE', item.places, '-inf', now_ms,
                           'LIMIT', 0, ENDED_AT_ONCE)
  for _, member in ipairs(ended) do
    flight_forget(item, member)
  end
  local late = redis.call('ZRANGEBYSCORE', item.places, '(' .. whole(last),
                          '+inf', 'LIMIT', 0, ENDED_AT_ONCE)
  for _, member in ipairs(late) do
    redis.call('ZADD', item.places, whole(now_ms + item.lease), member)
  end
  item.held = redis.call('ZCOUNT', item.places, '(' .. whole(now_ms), '+inf')
end

local function flight_expire(item)
  redis.call('PEXPIRE', item.places, whole(item.lease + 1000))
  if item.has_bytes then
    redis.call('PEXPIRE', item.bytes_of, whole(item.lease + 1000))
  end
end

-- Hold a place, with at least so many bytes.
local function flight_hold(item, member, bytes)
  redis.call('ZADD', item.places, whole(now_ms + item.lease), member)
  if item.has_bytes then
    local before = number(redis.call('HGET', item.bytes_of, member))
    if bytes > before then
      redis.call('HSET', item.bytes_of, member, whole(bytes))
      redis.call('HINCRBY', item.bytes_of, 'sum', whole(bytes - before))
    end
  end
  flight_expire(item)
end

local function flight_add(item, member, bytes)
  redis.call('ZADD', item.places, whole(now_ms + item.lease), member)
  if item.has_bytes and bytes > 0 then
    redis.call('HINCRBY', item.bytes_of, member, whole(bytes))
    redis.call('HINCRBY', item.bytes_of, 'sum', whole(bytes))
  end
  flight_expire(item)
end

local function flight_check(item, uploads, bytes)
  local is_enough = true
  if item.uploads >= 0 then
    item.left_uploads = math.max(0, item.uploads - item.held)
    is_enough = uploads <= item.left_uploads
  end
  if item.bytes >= 0 then
    local held = number(redis.call('HGET', item.bytes_of, 'sum'))
    item.left_bytes = math.max(0, item.bytes - held)
    is_enough = bytes <= item.left_bytes and is_enough
  end
  return is_enough
end

-- --- quotas --------------------------------------------------------------

-- What is spent is a level that drains evenly, the limit in one period. What is
-- outstanding is a queue, which time takes from its front. A place in the queue
-- is named by how much has gone through it: drained + level is its end. Each
-- time something is spent, that is a turn, which has a stretch of the queue.
--
-- A turn may give back only what of its stretch has not drained: else others'
-- refunds and time would give back the same twice. A stretch comes nearer by
-- what earlier turns give back, not by what later ones do: so the sum of all
-- refunds is kept, and of which turns they were. Refunds of turns that follow
-- each other are one range; if there are too many ranges, two neighbours become
-- one, which is taken for that of its first turn: that gives back less, never
-- more.
--
-- born tells a record from an earlier one under the same key: that is empty by
-- then.
local function quota_empty()
  return { born = now, at = now, level = 0, drained = 0, refunded = 0,
           turn = 0 }
end

local function quota_read(item, which, limit)
  local text = redis.call('HGET', item.spent, which)
  if not text then
    return quota_empty()
  end
  local born, at, level, drained, refunded, turn =
    string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  local quota = { born = number(born), at = number(at), level = number(level),
                  drained = number(drained), refunded = number(refunded),
                  turn = number(turn) }
  -- if the clock was set back, no time has passed
  if quota.at < now then
    local gone = math.min(quota.level, (now - quota.at) * limit / item.period)
    quota.level = quota.level - gone
    quota.drained = quota.drained + gone
  end
  quota.at = now
  if quota.level <= 0
     or quota.drained + quota.level + quota.refunded > 2 * AMOUNT_MAX then
    -- empty; or the places in the queue are forgotten
    local empty = quota_empty()
    empty.level = math.max(0, quota.level)
    return empty
  end
  return quota
end

local function quota_write(item, which, quota, limit)
  redis.call('HSET', item.spent, which,
             whole(quota.born) .. ' ' .. whole(quota.at) .. ' '
             .. exact(quota.level) .. ' ' .. exact(quota.drained) .. ' '
             .. exact(quota.refunded) .. ' ' .. whole(quota.turn))
  return math.ceil(quota.level * item.period / limit / 1000) + 1000
end

-- Keys live as long as anything is spent: at least so many ms, and an eighth
-- more, so that PEXPIRE is not needed each time.
local function quota_expire(item, quota, ms)
  local function at_least(key)
    if redis.call('PTTL', key) < ms then
      redis.call('PEXPIRE', key, whole(ms + ms / 8))
    end
  end
  at_least(item.spent)
  if quota.refunded > 0 then
    at_least(item.given_back)
  end
end

-- What is left under one bound; sets item.wait.
local function quota_check(item, which, limit, wanted)
  local quota = item[which] or quota_read(item, which, limit)
  item[which] = quota
  local missing = quota.level + wanted - limit
  if wanted > limit then
    item.is_too_large = true
  elseif missing > 0 then
    item.wait = math.max(item.wait, math.ceil(missing * item.period / limit))
  end
  return math.max(0, math.floor(limit - quota.level)), missing <= 0
end

-- Returns what names the turn for a refund.
local function quota_spend(item, which, limit, amount)
  -- what the check has read, unless another item has spent from it since
  local quota = item.same == 1 and item[which]
                or quota_read(item, which, limit)
  quota.level = quota.level + amount
  quota.turn = quota.turn + 1
  quota_expire(item, quota, quota_write(item, which, quota, limit))
  return whole(quota.born) .. ' ' .. whole(quota.turn) .. ' '
         .. exact(quota.drained + quota.level + quota.refunded)
end

local function refunds_read(item, which, quota)
  local refunds = {}
  local text = redis.call('HGET', item.given_back, which)
  local born, ranges = string.match(text or '', '^(%S+)(.*)$')
  if number(born) ~= quota.born then
    return refunds
  end
  for first, last, sum, ends in
      string.gmatch(ranges, ' (%S+) (%S+) (%S+) (%S+)') do
    local refund = { first = number(first), last = number(last),
                     sum = number(sum), ends = number(ends) }
    -- earlier turns have nothing outstanding from then on
    if refund.ends > quota.drained then
      refunds[#refunds + 1] = refund
    end
  end
  return refunds
end

local function refunds_write(item, which, quota, refunds)
  local text = { whole(quota.born) }
  for _, refund in ipairs(refunds) do
    text[#text + 1] = whole(refund.first) .. ' ' .. whole(refund.last) .. ' '
                      .. exact(refund.sum) .. ' ' .. exact(refund.ends)
  end
  redis.call('HSET', item.given_back, which, table.concat(text, ' '))
end

-- The range behind becomes a part of the one before it.
local function refunds_join(refunds, i)
  local before, behind = refunds[i], table.remove(refunds, i + 1)
  before.last = behind.last
  before.sum = before.sum + behind.sum
  before.ends = math.max(before.ends, behind.ends)
end

-- Ranges are in the order of their turns.
local function refunds_add(refunds, turn, sum, ends)
  local at = 1
  while refunds[at] and refunds[at].first < turn do
    at = at + 1
  end
  table.insert(refunds, at,
               { first = turn, last = turn, sum = sum, ends = ends })
  if refunds[at + 1] and refunds[at + 1].first == turn + 1 then
    refunds_join(refunds, at)
  end
  if at > 1 and refunds[at - 1].last >= turn - 1 then
    refunds_join(refunds, at - 1)
  end
  if #refunds > REFUNDS then
    -- where the least becomes unknown, as far back as may be
    local least = 1
    for i = 2, #refunds - 1 do
      if refunds[i + 1].sum <= refunds[least + 1].sum then
        least = i
      end
    end
    refunds_join(refunds, least)
  end
end

local function quota_refund(item, which, limit, amount, mark)
  local born, turn, ends = string.match(mark, '^(%S+) (%S+) (%S+)$')
  local quota = quota_read(item, which, limit)
  if not born or number(born) ~= quota.born then
    return
  end
  local refunds = refunds_read(item, which, quota)
  turn = number(turn)
  ends = number(ends) - quota.refunded
  for _, refund in ipairs(refunds) do
    if refund.first > turn then
      ends = ends + refund.sum
    end
  end
  ends = math.min(ends, quota.drained + quota.level)
  amount = math.min(amount, ends - quota.drained)
  if amount <= 0 then
    return
  end
  quota.level = quota.level - amount
  quota.refunded = quota.refunded + amount
  local ms = quota_write(item, which, quota, limit)
  refunds_add(refunds, turn, amount, ends)
  refunds_write(item, which, quota, refunds)
  quota_expire(item, quota, ms)
end

-- --- items ---------------------------------------------------------------

-- KEYS[key] and the next one are the item's; ARGV[arg] and the following say
-- what it is: f or q; the limits of uploads and of bytes, negative: none; the
-- period in microseconds; and the last part of the name of its place.
local function item_at(key, arg, lease)
  local item = { is_quota = ARGV[arg] == 'q', uploads = number(ARGV[arg + 1]),
                 bytes = number(ARGV[arg + 2]),
                 period = number(ARGV[arg + 3]), nth = ARGV[arg + 4],
                 lease = lease,
                 left_uploads = -1, left_bytes = -1, wait = 0 }
  item.name = KEYS[key]
  item.has_bytes = item.bytes >= 0
  if item.is_quota then
    item.spent, item.given_back = KEYS[key], KEYS[key + 1]
  else
    item.places, item.bytes_of = KEYS[key], KEYS[key + 1]
  end
  return item
end

-- Sets left_uploads, left_bytes, wait.
local function item_check(item, uploads, bytes)
  if not item.is_quota then
    return flight_check(item, uploads, bytes)
  end
  local is_enough, is_enough_too = true, true
  if item.uploads >= 0 then
    item.left_uploads, is_enough =
      quota_check(item, 'u', item.uploads, uploads)
  end
  if item.bytes >= 0 then
    item.left_bytes, is_enough_too = quota_check(item, 'b', item.bytes, bytes)
  end
  if item.is_too_large then
    item.wait = 0
  end
  return is_enough and is_enough_too
end

local function item_spend(item, uploads, bytes)
  if not item.is_quota then
    flight_add(item, item.member, bytes)
    return
  end
  if item.uploads >= 0 and uploads > 0 then
    item.mark_uploads = quota_spend(item, 'u', item.uploads, uploads)
  end
  if item.bytes >= 0 and bytes > 0 then
    item.mark_bytes = quota_spend(item, 'b', item.bytes, bytes)
  end
end

-- All items of a decision: KEYS from 2 on, ARGV from 6 on. How many are the
-- same as this one: same_so_far, with itself, and same.
local function items_read()
  local items, same = {}, {}
  for i = 1, (#ARGV - 5) / 5 do
    local item = item_at(2 * i, 5 * i + 1, number(ARGV[2]))
    same[item.name] = (same[item.name] or 0) + 1
    item.same_so_far = same[item.name]
    item.member = ARGV[3] .. '.' .. item.nth
    if not item.is_quota then
      flight_clean(item)
    end
    items[i] = item
  end
  for _, item in ipairs(items) do
    item.same = same[item.name]
  end
  return items
end

-- 1: taken, 0: refused, or -1: the command must not be done any more; the first
-- item that is reached, from 0 on; how many bytes were taken; and of each item
-- what was left, the wait and the marks.
local function outcome_of(items, is_taken, refused, bytes)
  local outcome = { is_taken and 1 or 0, refused, bytes }
  for _, item in ipairs(items) do
    outcome[#outcome + 1] = item.left_uploads
    outcome[#outcome + 1] = item.left_bytes
    outcome[#outcome + 1] = item.wait
    outcome[#outcome + 1] = item.mark_uploads or ''
    outcome[#outcome + 1] = item.mark_bytes or ''
  end
  return outcome
end

-- What the same command has returned before, if it has.
local function outcome_known()
  local known = redis.call('GET', KEYS[1])
  return known and cmsgpack.unpack(known)
end

-- Keep the outcome for a second attempt. That of a refusal is not kept: nothing
-- was done that could be done twice.
local function outcome_keep(outcome)
  redis.call('SET', KEYS[1], cmsgpack.pack(outcome), 'PX', KNOWN_MS)
  return outcome
end

-- --- what can be asked for -----------------------------------------------

-- KEYS: of the command, and the items'. ARGV: the lease in ms; the upload;
-- bytes to take, and bytes that must be left; the items.
local function look()
  local items = items_read()
  local refused = -1
  for i, item in ipairs(items) do
    local is_enough = item_check(item, item.same_so_far,
                                 item.same_so_far * number(ARGV[5]))
    if not is_enough and refused < 0 then
      refused = i - 1
    end
  end
  return items, refused
end

local function peek()
  local items, refused = look()
  return outcome_of(items, refused < 0, refused, 0)
end

local function take()
  local known = outcome_known()
  if known then
    return known
  end
  local items, refused = look()
  if refused >= 0 then
    return outcome_of(items, false, refused, 0)
  end
  local bytes = number(ARGV[4])
  for _, item in ipairs(items) do
    item_spend(item, 1, bytes)
  end
  return outcome_keep(outcome_of(items, true, -1, bytes))
end

-- As take; bytes that are wanted, and how many more may be taken in advance.
local function draw()
  local known = outcome_known()
  if known then
    return known
  end
  local items = items_read()
  local wanted, ahead = number(ARGV[4]), number(ARGV[5])
  local bytes, least, tightest = wanted, AMOUNT_MAX, -1
  for i, item in ipairs(items) do
    item_check(item, 0, wanted)
    if item.left_bytes >= 0 then
      local left = math.floor(item.left_bytes / item.same)
      least = math.min(least, left)
      if left < bytes then
        bytes, tightest = left, i - 1
      end
    end
  end
  if bytes <= 0 then
    return outcome_of(items, false, tightest, 0)
  end
  -- the more is left, the less often is asked; and the last bytes are for all
  bytes = math.max(bytes, math.min(ahead, math.floor(least / 8)))
  for _, item in ipairs(items) do
    item_spend(item, 0, bytes)
  end
  return outcome_keep(outcome_of(items, true, tightest, bytes))
end

-- KEYS: the items'. ARGV: the lease; of each item: the member, the bytes or -1.
local function renew()
  for i = 1, #KEYS / 2 do
    local bytes = number(ARGV[2 * i + 2])
    flight_hold({ places = KEYS[2 * i - 1], bytes_of = KEYS[2 * i],
                  lease = number(ARGV[2]), has_bytes = bytes >= 0 },
                ARGV[2 * i + 1], bytes)
  end
  return 1
end

-- KEYS: of each item, its own two, and one that says that it was settled: a
-- quota gives back once. ARGV: of each item, behind its limits and period: the
-- member; uploads to give back and their mark; bytes to give back and theirs.
local function settle()
  for i = 1, #KEYS / 3 do
    local arg = 9 * i - 7
    local item = item_at(3 * i - 2, arg, 0)
    if not item.is_quota then
      flight_forget(item, ARGV[arg + 4])
      flight_tidy(item)
    elseif redis.call('SET', KEYS[3 * i], 1, 'NX', 'PX', SETTLED_MS) then
      if number(ARGV[arg + 5]) > 0 then
        quota_refund(item, 'u', item.uploads, number(ARGV[arg + 5]),
                     ARGV[arg + 6])
      end
      if number(ARGV[arg + 7]) > 0 then
        quota_refund(item, 'b', item.bytes, number(ARGV[arg + 7]),
                     ARGV[arg + 8])
      end
    end
  end
  return 1
end

-- A take or a draw whose answer has not come is taken back, and it is not done
-- later either. KEYS, ARGV: as for take; uploads: 1 for a take, 0 for a draw.
local function void()
  local known = outcome_known()
  redis.call('SET', KEYS[1], cmsgpack.pack({ -1 }), 'PX', VOID_MS)
  if not known or known[1] ~= 1 then
    return 0
  end
  local uploads, bytes = number(ARGV[4]), known[3]
  for i, item in ipairs(items_read()) do
    if item.is_quota then
      if known[5 * i + 2] ~= '' then
        quota_refund(item, 'u', item.uploads, uploads, known[5 * i + 2])
      end
      if known[5 * i + 3] ~= '' then
        quota_refund(item, 'b', item.bytes, bytes, known[5 * i + 3])
      end
    elseif uploads > 0 then
      flight_forget(item, item.member)
      flight_tidy(item)
    elseif redis.call('HEXISTS', item.bytes_of, item.member) == 1 then
      redis.call('HINCRBY', item.bytes_of, item.member, whole(0 - bytes))
      redis.call('HINCRBY', item.bytes_of, 'sum', whole(0 - bytes))
    end
  end
  return 1
end

-- Fails where the server cannot be written to: a replica, or a full memory.
local function probe()
  redis.call('SET', KEYS[1], whole(now), 'PX', VOID_MS)
  return 1
end

local commands = { peek = peek, take = take, draw = draw, renew = renew,
                   settle = settle, void = void, probe = probe }
return commands[ARGV[1]]()
