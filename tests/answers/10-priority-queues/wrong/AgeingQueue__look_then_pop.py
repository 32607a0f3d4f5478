"""Compares the heads of ten lists, then takes from the best: by then another process has taken that head."""

REJECTED_BY = "look-is-too-old"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.keys, self.alpha, self.clock = r, [f"{key}:{prio}" for prio in range(10)], alpha, clock

    def push(self, message, prio):
        self.r.rpush(self.keys[prio], f"{self.clock()!r}|{message}")

    def pop(self):
        while True:
            with self.r.pipeline() as p:
                for key in self.keys:
                    p.lindex(key, 0)
                heads = p.execute()
            ranks = [(prio / self.alpha + float(head.split("|")[0]), prio) for prio, head in enumerate(heads) if head]
            if not ranks:
                return None
            if entry := self.r.lpop(self.keys[min(ranks)[1]]):
                return entry.split("|", 1)[1]
