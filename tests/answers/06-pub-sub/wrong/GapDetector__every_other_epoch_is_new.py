"""Takes a straggler of the old publisher for a restart."""

REJECTED_BY = "old-epoch"


class GapDetector:
    def __init__(self, modulus):
        self.modulus, self.epoch, self.seq = modulus, None, None

    def feed(self, epoch, seq):
        if self.epoch is None:
            verdict = "ok"
        elif epoch != self.epoch:
            verdict = "restart"
        else:
            steps = (seq - self.seq) % self.modulus
            if steps == 0 or 2 * steps >= self.modulus:
                return "dup"
            verdict = "ok" if steps == 1 else ("gap", (self.seq + 1) % self.modulus, (seq - 1) % self.modulus)
        self.epoch, self.seq = epoch, seq
        return verdict
