"""Names the numbers before and behind the gap."""

REJECTED_BY = "gap-bounds"


class GapDetector:
    def __init__(self, modulus):
        self.modulus, self.epoch, self.seq = modulus, None, None

    def feed(self, epoch, seq):
        if self.epoch is None:
            verdict = "ok"
        elif epoch != self.epoch:
            if epoch < self.epoch:
                return "dup"
            verdict = "restart"
        else:
            steps = (seq - self.seq) % self.modulus
            if steps == 0 or 2 * steps >= self.modulus:
                return "dup"
            verdict = "ok" if steps == 1 else ("gap", self.seq, seq)
        self.epoch, self.seq = epoch, seq
        return verdict
