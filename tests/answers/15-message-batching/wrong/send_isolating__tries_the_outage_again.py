"""Sends once more when the receiver did not answer."""

REJECTED_BY = "goes-on-after-an-outage"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        try:
            send(items)
        except ValueError:
            raise
        except Exception:
            try:
                send(items)
            except Exception:
                pass
            raise
        return list(items), []
    except ValueError:
        if len(items) == 1:
            return [], list(items)
    half = len(items) // 2
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]
