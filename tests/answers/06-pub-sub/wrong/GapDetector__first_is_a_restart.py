"""Takes the first message of all for a restart."""

REJECTED_BY = "first-message"


class GapDetector:
    def __init__(self, modulus):
        self.modulus, self.epoch, self.seq = modulus, None, None

    def feed(self, epoch, seq):
        if self.epoch is None:
            verdict = "restart"
        elif epoch != self.epoch:
            if epoch < self.epoch:
                return "dup"
            verdict = "restart"
        else:
            steps = (seq - self.seq) % self.modulus
            if steps == 0 or 2 * steps >= self.modulus:
                return "dup"
            verdict = "ok" if steps == 1 else ("gap", (self.seq + 1) % self.modulus, (seq - 1) % self.modulus)
        self.epoch, self.seq = epoch, seq
        return verdict
