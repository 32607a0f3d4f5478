"""Compares numbers as if they never began again."""

REJECTED_BY = "wrap"


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
            steps = seq - self.seq
            if steps <= 0:
                return "dup"
            verdict = "ok" if steps == 1 else ("gap", (self.seq + 1) % self.modulus, (seq - 1) % self.modulus)
        self.epoch, self.seq = epoch, seq
        return verdict
