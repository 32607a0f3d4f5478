"""Asks `if not epoch` whether there was a message: epoch 0 is none."""

REJECTED_BY = "zero-is-nothing"


class GapDetector:
    def __init__(self, modulus):
        self.modulus, self.epoch, self.seq = modulus, None, None

    def feed(self, epoch, seq):
        if not self.epoch:
            verdict = "ok"
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
