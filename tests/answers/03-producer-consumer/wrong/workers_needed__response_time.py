"""Compares the response time with the target."""

import math

REJECTED_BY = "response-not-wait"


def erlang_c(servers, offered):
    loss = 1.0
    for n in range(1, servers + 1):
        loss = offered * loss / (n + offered * loss)
    return loss / (1 - offered / servers * (1 - loss))


def workers_needed(lam, mu, target_wait):
    servers = math.floor(lam / mu) + 1
    while erlang_c(servers, lam / mu) / (servers * mu - lam) + 1 / mu > target_wait:
        servers += 1
    return servers
