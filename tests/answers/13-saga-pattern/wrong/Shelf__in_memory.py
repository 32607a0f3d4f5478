"""Keeps the holds in the process."""

REJECTED_BY = "memory-only"


class Shelf:
    def __init__(self, r, key, *, count, hold_s, clock):
        self.count, self.hold_s, self.clock, self.notes = count, hold_s, clock, {}

    def _state(self, saga):
        state, n, expiry = self.notes.get(saga, ("unknown", 0, 0))
        return ("over", 0) if state == "held" and expiry <= self.clock() else (state, n)

    def free(self):
        return self.count - sum(self._state(saga)[1] for saga in self.notes)

    def reserve(self, saga, n):
        if self._state(saga)[0] == "unknown" and n <= self.free():
            self.notes[saga] = ("held", n, self.clock() + self.hold_s)
        return self._state(saga)[0] in ("held", "sold")

    def confirm(self, saga):
        state, n = self._state(saga)
        if state == "held":
            self.notes[saga] = ("sold", n, 0)
        return state in ("held", "sold")

    def release(self, saga):
        if self._state(saga)[0] != "sold":
            self.notes[saga] = ("over", 0, 0)
