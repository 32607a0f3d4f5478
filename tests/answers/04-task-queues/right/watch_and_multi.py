"""Optimistic locking with WATCH and MULTI; one hash of JSON records; the depth found with a stack."""

import inspect
import json

import redis


def optimistic(r, keys, change):
    """change(p) reads, calls p.multi() and queues commands, and returns (keep, result); repeated until undisturbed."""
    while True:
        with r.pipeline() as p:
            p.watch(*keys)
            keep, result = change(p)
            if not keep:
                return result
            try:
                p.execute()
                return result
            except redis.WatchError:
                continue


def promote_due(r, later, queue, now_ms, limit):
    def change(p):
        due = p.zrange(later, "-inf", now_ms, byscore=True, offset=0, num=limit)
        if not due:
            return False, []
        p.multi()
        p.rpush(queue, *due)
        p.zrem(later, *due)
        return True, due

    return optimistic(r, [later], change)


class TaskQueue:
    def __init__(self, r, name, job_timeout_ms=60_000, result_ttl_s=600):
        self.r, self.name, self.job_timeout_ms, self.result_ttl_s = r, name, job_timeout_ms, result_ttl_s
        self.out, self.counter = f"{name}:out", f"{name}:counter"

    def now(self, p):
        seconds, micros = p.time()
        return 1000 * seconds + micros // 1000

    def lease(self, worker, ttl_ms):
        def change(p):
            now = self.now(p)
            out = {job: json.loads(record) for job, record in p.hgetall(self.out).items()}
            expired = [job for job, record in out.items() if record["until"] <= now]
            job = min(expired, key=lambda job: out[job]["until"]) if expired else p.lindex(self.name, 0)
            if job is None:
                return False, None
            token = 1 + int(p.get(self.counter) or 0)
            p.multi()
            if not expired:
                p.lpop(self.name)
            p.set(self.counter, token)
            p.hset(self.out, job, json.dumps({"token": token, "until": now + ttl_ms, "given": now}))
            return True, (job, token)

        return optimistic(self.r, [self.name, self.out, self.counter], change)

    def _if_mine(self, job, token, act):
        def change(p):
            record = json.loads(p.hget(self.out, job) or "{}")
            if record.get("token") != token:
                return False, False
            return act(p, record)

        return optimistic(self.r, [self.out], change)

    def renew(self, job, token, ttl_ms):
        def act(p, record):
            now, last = self.now(p), record["given"] + self.job_timeout_ms
            if now >= last:
                return False, False
            p.multi()
            p.hset(self.out, job, json.dumps(record | {"until": min(last, now + ttl_ms)}))
            return True, True

        return self._if_mine(job, token, act)

    def complete(self, job, token, result):
        def act(p, record):
            p.multi()
            p.hdel(self.out, job)
            p.set(f"{self.name}:result:{job}", result, ex=self.result_ttl_s)
            return True, True

        return self._if_mine(job, token, act)

    def fail(self, job, token):
        def act(p, record):
            p.multi()
            p.hdel(self.out, job)
            p.lpush(self.name, job)
            return True, True

        return self._if_mine(job, token, act)


def decode_task(blob, registry):
    if isinstance(blob, str):
        blob = blob.encode("utf-8", "surrogatepass")
    if len(blob) > 10_000:
        raise ValueError("too long")
    try:
        message = json.loads(blob.decode("utf-8"))
    except RecursionError:
        raise ValueError("too deep") from None
    stack = [(message, 1)]
    while stack:
        value, level = stack.pop()
        if isinstance(value, float) and value - value != 0:
            raise ValueError("not finite")
        if isinstance(value, (list, dict)):
            if level > 10:
                raise ValueError("too deep")
            stack += [(inner, level + 1) for inner in (value.values() if isinstance(value, dict) else value)]
    match message:
        case {"task": str(name), "args": list(args)} if name in registry:
            try:
                inspect.signature(registry[name]).bind(*args)
            except TypeError as error:
                raise ValueError(str(error)) from None
            return registry[name], args
    raise ValueError("not a job")


def cron_tick(r, queue, job, minute):
    mark = f"{queue}:{minute // 60}"

    def change(p):
        if p.sismember(mark, f"{job}@{minute}"):
            return False, False
        p.multi()
        p.sadd(mark, f"{job}@{minute}")
        p.expire(mark, 3 * 3600)
        p.rpush(queue, f"{job}@{minute}")
        return True, True

    return optimistic(r, [mark], change)
