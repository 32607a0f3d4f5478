"""Takes Erlang's B, the share that is turned away, for the share that waits."""

REJECTED_BY = "erlang-b"


def workers_needed(lam, mu, target_wait):
    servers, loss = 0, 1.0
    while True:
        servers += 1
        loss = lam / mu * loss / (servers + lam / mu * loss)
        if servers * mu > lam and loss / (servers * mu - lam) <= target_wait:
            return servers
