"""XREAD, XINFO STREAM FULL, and a snapshot by MULTI."""

import redis

MODELS = {(True, True): "pubsub", (True, False): "stream", (False, True): "queue", (False, False): "queue"}


def choose_model(need):
    return "stream" if need["read_again"] else MODELS[need["parties"] > 1, need["may_miss"]]


def ensure_group(r, stream, group, start):
    """Looks first, to spare the broker the refusal, but does not rely on the look."""
    try:
        if any(g["name"] == group for g in r.xinfo_groups(stream)):
            return False
    except redis.ResponseError as error:
        if "no such key" not in str(error):
            raise
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except redis.exceptions.ResponseError as error:
        if error.args and str(error.args[0]).startswith("BUSYGROUP"):
            return False
        raise
    return True


def tail(r, stream, cursor, n):
    if cursor == "$":
        try:
            return [], r.xinfo_stream(stream, full=True)["last-generated-id"]
        except redis.ResponseError:
            return [], "0-0"
    for _, entries in r.xread(streams={stream: cursor}, count=n):
        cursor = entries[-1][0]
        return entries, cursor
    return [], cursor


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    names = [group["name"] for group in r.xinfo_groups(stream)]
    with r.pipeline(transaction=True) as look:
        look.xinfo_groups(stream)
        for name in names:
            look.xpending(stream, name)
        groups, *pending = look.execute()
    needed = []
    for group in groups:
        ms, seq = group["last-delivered-id"].split("-")
        needed.append((int(ms), int(seq) + 1))
    for summary in pending:
        if summary["min"]:
            ms, seq = summary["min"].split("-")
            needed.append((int(ms), int(seq)))
    if not needed:
        return 0
    return r.xtrim(stream, minid="%d-%d" % min(needed), approximate=False)
