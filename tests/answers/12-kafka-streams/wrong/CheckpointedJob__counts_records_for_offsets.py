"""The next offset is a count of records: wrong as soon as there is a gap."""

import redis

REJECTED_BY = "wrong-offset"


class CheckpointedJob:
    SCRIPT = """
    local next, count = tonumber(redis.call('GET', KEYS[2]) or '0'), 0
    for i = 1, #ARGV, 3 do
        if tonumber(ARGV[i]) >= next then
            redis.call('HINCRBY', KEYS[1], ARGV[i + 1], ARGV[i + 2])
            redis.call('INCR', KEYS[2])
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
