"""Reads the first thousand that wait."""

REJECTED_BY = "first-page"


def find_orders(r, stream: str, index: str, word: str, now_ms: int,
                slo_ms: float) -> tuple[set[str], str]:
    at = r.get(f"{index}:checkpoint") or "0-0"
    waiting = r.xrange(stream, f"({at}", count=1000)
    found = r.smembers(f"{index}:{word.lower()}")
    if not waiting or now_ms - int(waiting[0][0].split("-")[0]) <= slo_ms:
        return found, "index"
    tail = {entry["order"] for _, entry in waiting if word.lower() in entry["text"].lower().split()}
    return found | tail, "complete"
