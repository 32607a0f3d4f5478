"""Keeps the checkpoint in a key of its own."""

REJECTED_BY = "no-checkpoint"


def add(r, stream, key, book, batch=100):
    at = r.hget(book, "checkpoint") or "0-0"
    sales = r.xrange(stream, f"({at}", count=batch)
    with r.pipeline() as p:
        for id, sale in sales:
            p.hincrby(key, sale["customer"], sale["total"])
            p.hset(book, "checkpoint", id)
        p.execute()
    return len(sales)


def rebuild(r, stream, name):
    while add(r, stream, f"{name}:next", f"{name}:book"):
        pass
    r.rename(f"{name}:next", name)
    r.delete(f"{name}:book")
