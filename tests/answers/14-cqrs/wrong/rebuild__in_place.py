"""Empties the view, and builds it where readers look."""

REJECTED_BY = "gone"


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
    r.delete(name)
    while add(r, stream, name, name):
        pass
