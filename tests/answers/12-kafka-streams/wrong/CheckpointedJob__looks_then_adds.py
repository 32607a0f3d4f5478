"""The comparison with the stored offset and the write are two steps: a zombie counts again."""

REJECTED_BY = "counted-twice"


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name = r, name

    def next_offset(self):
        return int(self.r.get(f"{self.name}:next") or 0)

    def run(self, records):
        known = self.next_offset()
        new = [record for record in records if record[0] >= known]
        if not new:
            return 0
        with self.r.pipeline() as p:
            for _, key, value in new:
                p.hincrby(self.name, key, value)
            p.set(f"{self.name}:next", new[-1][0] + 1)
            p.execute()
        return len(new)
