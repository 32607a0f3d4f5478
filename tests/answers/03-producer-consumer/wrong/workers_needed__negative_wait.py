"""The formula gives a negative wait for too few workers, and that is below the target."""

REJECTED_BY = "unstable"


def erlang_c(servers, offered):
    loss = 1.0
    for n in range(1, servers + 1):
        loss = offered * loss / (n + offered * loss)
    return loss / (1 - offered / servers * (1 - loss))


def workers_needed(lam, mu, target_wait):
    servers = 1
    while servers * mu == lam or erlang_c(servers, lam / mu) / (servers * mu - lam) > target_wait:
        servers += 1
    return servers
