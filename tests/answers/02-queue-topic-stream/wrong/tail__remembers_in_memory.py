"""Remembers what it has returned, in this process."""

REJECTED_BY = "keeps-state"

SEEN = set()


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        cursor = last[0][0] if last else "0-0"
    entries = [e for e in r.xrange(stream, f"({cursor}") if e[0] not in SEEN][:n]
    SEEN.update(id for id, _ in entries)
    return entries, entries[-1][0] if entries else cursor
