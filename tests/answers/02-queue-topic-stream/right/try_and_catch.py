"""The broker decides, in one command where it can; WATCH and MULTI where it cannot."""

import redis


def choose_model(need):
    if need["read_again"]:
        return "stream"
    if need["parties"] == 1:
        return "queue"
    return "pubsub" if need["may_miss"] else "stream"


def ensure_group(r, stream, group, start):
    try:
        return r.xgroup_create(stream, group, start, mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" in str(error):
            return False
        raise


def tail(r, stream, cursor, n):
    if cursor == "$":
        last = r.xrevrange(stream, count=1)
        return [], last[0][0] if last else "0-0"
    entries = r.xrange(stream, f"({cursor}", "+", count=n)
    return entries, entries[-1][0] if entries else cursor


def safe_trim(r, stream):
    """The hint, word by word: keeps one entry more than it must."""
    if r.type(stream) != "stream":
        return 0
    ids = []
    for group in r.xinfo_groups(stream):
        ids.append(group["last-delivered-id"])
        smallest = r.xpending(stream, group["name"])["min"]
        if smallest:
            ids.append(smallest)
    if not ids:
        return 0
    return r.xtrim(stream, minid=min(ids, key=lambda id: [int(part) for part in id.split("-")]), approximate=False)


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    while True:
        with r.pipeline() as p:
            p.watch(key)
            cursor = p.get(key)
            if cursor is None:
                last = p.xrevrange(stream, count=1)
                texts, cursor = None, last[0][0] if last else "0-0"
            else:
                entries = p.xrange(stream, f"({cursor}")
                texts = [fields["text"] for _, fields in entries]
                cursor = entries[-1][0] if entries else cursor
            p.multi()
            p.set(key, cursor, ex=ttl_s)
            try:
                p.execute()
            except redis.WatchError:
                continue
            return texts
