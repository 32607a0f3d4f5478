"""Expects number 0 first, and takes a late join for a gap."""

REJECTED_BY = "first-message"


class GapDetector:
    def __init__(self, modulus):
        self.modulus, self.epoch, self.seq = modulus, None, None

    def feed(self, epoch, seq):
        if self.epoch is None:
            verdict = "ok" if seq == 0 else ("gap", 0, seq - 1)
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
