"""Keeps the leases in a Python object: another worker knows nothing of them."""

import time

REJECTED_BY = "dies-with-its-worker"


class TaskQueue:
    def __init__(self, r, name, job_timeout_ms=60_000, result_ttl_s=600):
        self.r, self.name, self.job_timeout_ms, self.result_ttl_s = r, name, job_timeout_ms, result_ttl_s
        self.leases, self.last = {}, {}

    def _now(self):
        seconds, micros = self.r.time()
        return seconds * 1000 + micros // 1000

    def _mine(self, job, token):
        return job in self.leases and self.last[job] == token

    def lease(self, worker, ttl_ms):
        now = self._now()
        job = next((job for job, (until, _) in self.leases.items() if until <= now), None) or self.r.lpop(self.name)
        if job is None:
            return None
        self.last[job] = self.last.get(job, 0) + 1
        self.leases[job] = now + ttl_ms, now
        return job, self.last[job]

    def renew(self, job, token, ttl_ms):
        if not self._mine(job, token) or self._now() >= self.leases[job][1] + self.job_timeout_ms:
            return False
        given = self.leases[job][1]
        self.leases[job] = min(self._now() + ttl_ms, given + self.job_timeout_ms), given
        return True

    def complete(self, job, token, result):
        if not self._mine(job, token):
            return False
        del self.leases[job]
        self.r.set(f"{self.name}:result:{job}", result, ex=self.result_ttl_s)
        return True

    def fail(self, job, token):
        if not self._mine(job, token):
            return False
        del self.leases[job]
        self.r.lpush(self.name, job)
        return True
