"""Always answers from the index."""

REJECTED_BY = "wrong-promise"


def find_orders(r, stream, index, word, now_ms, slo_ms):
    return r.smembers(f"{index}:{word.lower()}"), "index"
