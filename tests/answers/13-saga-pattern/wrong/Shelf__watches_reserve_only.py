"""Guards reserve, and lets confirm and release look and then act."""

import redis

REJECTED_BY = "sold-and-free"


class Shelf:
    def __init__(self, r, key, *, count, hold_s, clock):
        self.r, self.key, self.count, self.hold_s, self.clock = r, key, count, hold_s, clock

    def _notes(self):
        notes = {}
        for saga, note in self.r.hgetall(self.key).items():
            state, n, expiry = note.split()
            if state == "held" and float(expiry) <= self.clock():
                state, n = "over", 0
            notes[saga] = (state, int(n))
        return notes

    def _note(self, saga, state, n=0, expiry=0.0):
        self.r.hset(self.key, saga, f"{state} {n} {expiry!r}")

    def free(self):
        return self.count - sum(n for _, n in self._notes().values())

    def reserve(self, saga, n):
        with self.r.pipeline() as p:
            while True:
                try:
                    return self._reserve(p, saga, n)
                except redis.WatchError:
                    continue

    def _reserve(self, p, saga, n):
        p.watch(self.key)
        notes = self._notes()
        if saga not in notes and n <= self.count - sum(n for _, n in notes.values()):
            p.multi()
            p.hset(self.key, saga, f"held {n} {self.clock() + self.hold_s!r}")
            p.execute()
            return True
        return notes.get(saga, ("", 0))[0] in ("held", "sold")

    def confirm(self, saga):
        state, n = self._notes().get(saga, ("unknown", 0))
        if state == "held":
            self._note(saga, "sold", n)
        return state in ("held", "sold")

    def release(self, saga):
        if self._notes().get(saga, ("unknown", 0))[0] != "sold":
            self._note(saga, "over")
