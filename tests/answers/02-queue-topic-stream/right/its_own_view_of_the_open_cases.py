"""Counts copies by process, where the task leaves it open; reads and compares ids in Python, as pairs of numbers."""

import redis


def choose_model(need):
    processes = need["parties"] * need["workers"]
    if need["read_again"]:
        return "stream"
    if need["may_miss"] and processes == 1:
        return "pubsub"  # one process hears one copy
    if need["parties"] == 1:
        return "queue"
    if not need["may_miss"] or need["workers"] > 1:
        return "stream"  # Pub/Sub would hand a copy to every worker of a party
    return "pubsub"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
        return True
    except redis.ResponseError as error:
        if str(error).split()[0] == "BUSYGROUP":
            return False
        raise


def pair(id):
    milliseconds, _, sequence = id.partition("-")
    return int(milliseconds), int(sequence or 0)


def tail(r, stream, cursor, n):
    entries = r.xrange(stream)
    if cursor == "$":
        return [], entries[-1][0] if entries else "0-0"
    entries = [entry for entry in entries if pair(entry[0]) > pair(cursor)][:n]
    return entries, entries[-1][0] if entries else cursor


def safe_trim(r, stream):
    """When everybody is done: up to the id that everybody has come to, and not simply everything."""
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    first = min((group["last-delivered-id"] for group in groups), key=pair)
    for group in groups:
        first = min(first, r.xpending(stream, group["name"])["min"] or first, key=pair)
    removed = r.xtrim(stream, minid=first, approximate=False)
    return removed + r.xdel(stream, first) if all(g["pending"] == 0 for g in groups) else removed
