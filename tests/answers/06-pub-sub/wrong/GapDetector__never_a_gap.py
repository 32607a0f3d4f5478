"""Says ok to whatever is ahead."""

REJECTED_BY = "gap-unnoticed"


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
            verdict = "ok"
        self.epoch, self.seq = epoch, seq
        return verdict
