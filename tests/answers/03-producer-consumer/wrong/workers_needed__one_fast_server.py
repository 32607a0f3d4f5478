"""Takes c mailers for one that is c times as fast."""

import math

REJECTED_BY = "one-fast-server"


def workers_needed(lam, mu, target_wait):
    servers = math.floor(lam / mu) + 1
    while lam / (servers * mu) / (servers * mu - lam) > target_wait:
        servers += 1
    return servers
