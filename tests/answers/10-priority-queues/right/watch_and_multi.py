"""Sorted sets with WATCH and MULTI; the ring as a sorted set of turn numbers; a fixed cycle that skips the absent."""

import redis


def atomically(r, look, *keys):
    """Call `look(pipeline)`, which reads and then queues its writes, until nobody changed `keys` in between."""
    with r.pipeline() as p:
        while True:
            try:
                p.watch(*keys)
                result = look(p)
                p.execute()
                return result
            except redis.WatchError:
                continue


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.seq, self.bound = r, key, f"{key}:seq", bound

    def push(self, message, level):
        def add(p):
            number, waiting = int(p.get(self.seq) or 0) + 1, p.zcard(self.key)
            last = p.zrange(self.key, -1, -1, withscores=True)
            p.multi()
            p.set(self.seq, number)
            member = f"{number:020d}{message}"
            if waiting < self.bound:
                p.zadd(self.key, {member: level})
                return None
            if last[0][1] <= level:
                return message
            p.zrem(self.key, last[0][0]).zadd(self.key, {member: level})
            return last[0][0][20:]

        return atomically(self.r, add, self.key, self.seq)

    def pop(self):
        def first(p):
            members = p.zrange(self.key, 0, 0)
            p.multi()
            if not members:
                return None
            p.zrem(self.key, members[0])
            return members[0][20:]

        return atomically(self.r, first, self.key)


class SmoothWRR:
    def __init__(self, weights):
        credit, total = dict.fromkeys(weights, 0), sum(weights.values())
        self.cycle, self.place = [], 0
        for _ in range(total):
            for name, weight in weights.items():
                credit[name] += weight
            best = max(credit, key=credit.get)
            credit[best] -= total
            self.cycle.append(best)

    def next(self, nonempty):
        for _ in self.cycle:
            name = self.cycle[self.place]
            self.place = (self.place + 1) % len(self.cycle)
            if name in nonempty:
                return name
        return None


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        number = self.r.incr(f"{self.key}:seq")  # a number that is lost on the way does no harm
        self.r.zadd(self.key, {f"{number:020d}{message}": prio + self.alpha * self.clock()})

    def pop(self):
        members = self.r.zpopmin(self.key)
        return members[0][0][20:] if members else None


class TenantFair:
    def __init__(self, r, key, quantum):
        self.r, self.ring, self.state, self.quantum = r, f"{key}:ring", f"{key}:state", quantum

    def _list(self, tenant):
        return f"{self.ring}:{tenant}"

    def push(self, tenant, message):
        def add(p):
            there, turn = p.zscore(self.ring, tenant), int(p.hget(self.state, "turn") or 0)
            p.multi()
            p.rpush(self._list(tenant), message)
            if there is None:
                p.zadd(self.ring, {tenant: turn + 1}).hset(self.state, "turn", turn + 1)

        atomically(self.r, add, self.ring, self.state, self._list(tenant))

    def pop(self):
        def first(p):
            head = p.zrange(self.ring, 0, 0)
            if not head:
                p.multi()
                return None
            tenant, state = head[0], p.hgetall(self.state)
            p.watch(self._list(tenant))
            messages, taken = p.lrange(self._list(tenant), 0, 1), int(state.get("taken", 0)) + 1
            if not messages:  # somebody was quicker
                raise redis.WatchError
            p.multi()
            p.lpop(self._list(tenant))
            over = len(messages) == 1 or taken == self.quantum
            p.hset(self.state, "taken", 0 if over else taken)
            if len(messages) == 1:
                p.zrem(self.ring, tenant)
            elif over:
                turn = int(state["turn"]) + 1
                p.zadd(self.ring, {tenant: turn}).hset(self.state, "turn", turn)
            return [tenant, messages[0]]

        return atomically(self.r, first, self.ring, self.state)
