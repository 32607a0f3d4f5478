"""Reads the index, and then what waits: what goes from the one into the other is in neither."""

REJECTED_BY = "slips-through"


def find_orders(r, stream: str, index: str, word: str, now_ms: int,
                slo_ms: float) -> tuple[set[str], str]:
    found = r.smembers(f"{index}:{word.lower()}")
    at = r.get(f"{index}:checkpoint") or "0-0"
    waiting = r.xrange(stream, f"({at}")
    if not waiting or now_ms - int(waiting[0][0].split("-")[0]) <= slo_ms:
        return found, "index"
    tail = {entry["order"] for _, entry in waiting if word.lower() in entry["text"].lower().split()}
    return found | tail, "complete"
