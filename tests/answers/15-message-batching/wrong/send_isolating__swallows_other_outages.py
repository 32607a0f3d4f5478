"""Lets errors of the client library out, and takes those of the operating system for nothing sent."""

REJECTED_BY = "error-is-poison"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except OSError:
        return [], []
    except ValueError:
        if len(items) == 1:
            return [], list(items)
    half = len(items) // 2
    (ok, bad), (more_ok, more_bad) = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return ok + more_ok, bad + more_bad
