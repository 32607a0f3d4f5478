"""What is known is remembered in the memory of the process only."""

REJECTED_BY = "counted-twice"


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name, self.known = r, name, 0

    def next_offset(self):
        return int(self.r.get(f"{self.name}:next") or 0)

    def run(self, records):
        known = self.next_offset()
        new = [record for record in records if record[0] >= self.known]
        if not new:
            return 0
        with self.r.pipeline() as p:
            for _, key, value in new:
                p.hincrby(self.name, key, value)
            p.set(f"{self.name}:next", new[-1][0] + 1)
            p.execute()
        self.known = new[-1][0] + 1
        return len(new)
