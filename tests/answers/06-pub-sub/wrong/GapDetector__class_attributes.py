"""Keeps the place in the class, so that all detectors share it."""

REJECTED_BY = "shared-state"


class GapDetector:
    epoch = seq = None

    def __init__(self, modulus):
        self.modulus = modulus

    def feed(self, epoch, seq):
        here = GapDetector
        verdict = "ok"
        if here.epoch is not None:
            steps = (seq - here.seq) % self.modulus
            if epoch < here.epoch or epoch == here.epoch and (steps == 0 or 2 * steps >= self.modulus):
                return "dup"
            verdict = "ok" if steps == 1 else ("gap", (here.seq + 1) % self.modulus, (seq - 1) % self.modulus)
            verdict = verdict if epoch == here.epoch else "restart"
        here.epoch, here.seq = epoch, seq
        return verdict
