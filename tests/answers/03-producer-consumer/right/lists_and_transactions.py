"""Lists; WATCH and MULTI where two commands belong together; everything left in one transaction."""

import math
import uuid

import redis


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while True:
        now = clock()
        if _pushed(r, q, item, max_len):
            return True
        if now >= deadline:
            return False
        sleep(min(max(deadline - now, 0.001), 0.01))


def _pushed(r, q, item, max_len):
    with r.pipeline() as p:
        while True:
            try:
                p.watch(q)
                if p.llen(q) >= max_len:
                    return False
                p.multi()
                p.rpush(q, item)
                p.execute()
                return True
            except redis.WatchError:
                continue


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.mine = r, q, f"{q}:of:{wid}"

    def put(self, item):
        self.r.lpush(self.q, item)

    def step(self, handler):
        message = self.r.rpoplpush(self.q, self.mine)
        if message is None:
            return False
        try:
            handler(message)
        except Exception:
            self.r.pipeline().lpush(self.q, message).lrem(self.mine, 1, message).execute()
            raise
        self.r.lrem(self.mine, 1, message)
        return True

    def recover(self, dead):
        theirs, count = f"{self.q}:of:{dead}", 0
        while self.r.lmove(theirs, self.q, "LEFT", "RIGHT") is not None:
            count += 1
        return count


def workers_needed(lam, mu, target_wait):
    servers = max(1, math.floor(lam / mu) + (lam > 0))
    while True:
        offered, blocked = lam / mu, 1.0
        for n in range(1, servers + 1):
            blocked = offered * blocked / (n + offered * blocked)
        rho = offered / servers
        if blocked / (1 - rho * (1 - blocked)) / (servers * mu - lam) <= target_wait:
            return servers
        servers += 1


def drain(r, q, mine, handler, *, deadline, clock):
    done, skipped = 0, []
    for message in r.lrange(mine, 0, -1):
        if clock() >= deadline:
            break
        try:
            handler(message)
        except Exception:
            skipped.append(message)
        else:
            mark = uuid.uuid4().hex
            r.pipeline().lset(mine, len(skipped), mark).lrem(mine, 1, mark).execute()
            done += 1
    with r.pipeline() as p:
        p.lrange(mine, 0, -1)
        p.delete(mine)
        rest = r.lrange(mine, 0, -1)  # nobody else touches this list
        if rest:
            p.lpush(q, *reversed(rest))
        p.execute()
    return done, len(rest)
