"""The next offset expires after a day, and the job counts everything again."""

import redis

REJECTED_BY = "expires"


class CheckpointedJob:
    SCRIPT = """
    local next, count = tonumber(redis.call('GET', KEYS[2]) or '0'), 0
    for i = 1, #ARGV, 3 do
        if tonumber(ARGV[i]) >= next then
            redis.call('HINCRBY', KEYS[1], ARGV[i + 1], ARGV[i + 2])
            redis.call('SET', KEYS[2], ARGV[i] + 1, 'EX', 86400)
            count = count + 1
        end
    end
    return count
    """

    def __init__(self, r, name):
        self.r, self.name = r, name

    def next_offset(self):
        return int(self.r.get(f"{self.name}:next") or 0)

    def run(self, records):
        flat = [part for record in records for part in record]
        return self.r.eval(self.SCRIPT, 2, self.name, f"{self.name}:next", *flat)
