"""Sends the whole batch until it is accepted."""

REJECTED_BY = "retries-for-ever"


def send_isolating(items, send):
    while items:
        try:
            send(items)
            break
        except ValueError:
            continue
    return list(items), []
