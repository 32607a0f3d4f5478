"""Splits the mails evenly: a queue for each mailer."""

import math

REJECTED_BY = "separate-queues"


def workers_needed(lam, mu, target_wait):
    servers = math.floor(lam / mu) + 1
    while (rho := lam / servers / mu) / (mu - lam / servers) > target_wait and rho > 0:
        servers += 1
    return servers
