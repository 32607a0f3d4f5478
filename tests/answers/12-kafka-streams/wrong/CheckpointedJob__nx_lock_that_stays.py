"""A lock keeps others out; a killed process leaves it behind, and nobody goes on."""

REJECTED_BY = "lost"


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name = r, name

    def next_offset(self):
        return int(self.r.get(f"{self.name}:next") or 0)

    def run(self, records):
        if not self.r.set(f"{self.name}:lock", "1", nx=True):
            return 0
        known = self.next_offset()
        new = [record for record in records if record[0] >= known]
        if not new:
            self.r.delete(f"{self.name}:lock")
            return 0
        with self.r.pipeline() as p:
            for _, key, value in new:
                p.hincrby(self.name, key, value)
            p.set(f"{self.name}:next", new[-1][0] + 1)
            p.execute()
        self.r.delete(f"{self.name}:lock")
        return len(new)
