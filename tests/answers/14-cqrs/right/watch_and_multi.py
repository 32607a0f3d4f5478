"""WATCH and MULTI in place of scripts; pauses that end at the deadline; a staleness that reads page by page."""

import redis


def apply(r, view, event):
    row, counts = f"{view}:order:{event['key']}", f"{view}:counts"
    status = {"OrderPlaced": "placed", "OrderPaid": "paid", "OrderShipped": "shipped", "OrderCancelled": "cancelled"}
    with r.pipeline() as p:
        while True:
            try:
                p.watch(row)
                old = p.hgetall(row)
                p.multi()
                if event["type"] == "OrderPlaced":
                    customer = event["body"]["customer"]
                    p.hset(row, mapping={"customer": customer, "total": event["body"]["total"]})
                    p.zadd(f"{view}:orders:{customer}", {event["key"]: event["ts_ms"]})
                if event["seq"] > int(old.get("version", 0)):
                    if "status" in old:
                        p.hincrby(counts, old["status"], -1)
                    p.hincrby(counts, status[event["type"]], 1)
                    p.hset(row, mapping={"version": event["seq"], "status": status[event["type"]]})
                p.execute()
                return
            except redis.WatchError:
                continue


def read_after(r, key, version, timeout, *, clock, sleep):
    deadline = clock() + timeout
    while int((row := r.hgetall(key)).get("version", 0)) < version:
        if clock() >= deadline:
            raise TimeoutError(f"{key}: no version {version}")
        sleep(max(0.001, min(0.02, deadline - clock())))
    return row


def rebuild(r, stream, name):
    shadow = f"{name}:next"
    with r.pipeline() as p:
        while True:
            try:
                p.watch(shadow, stream)
                at = p.hget(shadow, "checkpoint") or "0-0"
                sales = p.xrange(stream, f"({at}", count=100)
                p.multi()
                for _, sale in sales:
                    p.hincrby(shadow, sale["customer"], sale["total"])
                if sales:
                    p.hset(shadow, "checkpoint", sales[-1][0])
                else:
                    p.rename(shadow, name)
                p.execute()
                if not sales:
                    return
            except redis.WatchError:
                continue


def staleness(r, stream, name, now_ms):
    last, ages = r.hget(name, "checkpoint") or "0-0", []
    while page := r.xrange(stream, f"({last}", count=500):
        ages += [max(0, now_ms - int(id.partition("-")[0])) for id, _ in page]
        last = page[-1][0]
    if not ages:
        return [0, 0]
    ages.sort()
    return [next(age for n, age in enumerate(ages, 1) if n * 100 >= 95 * len(ages)), max(ages)]


def find_orders(r, stream, index, word, now_ms, slo_ms):
    with r.pipeline() as p:  # MULTI … EXEC: one moment
        p.get(f"{index}:checkpoint")
        p.smembers(f"{index}:{word}")
        p.xrange(stream)
        at, found, entries = p.execute()
    place = tuple(map(int, (at or "0-0").split("-")))
    waiting = [(id, entry) for id, entry in entries if tuple(map(int, id.split("-"))) > place]
    if all(now_ms - int(id.split("-")[0]) <= slo_ms for id, _ in waiting):
        return set(found), "index"
    return set(found) | {entry["order"] for _, entry in waiting if word in entry["text"].lower().split()}, "complete"
