"""A snapshot only when more than `every` events were folded."""

import json

REJECTED_BY = "folds-everything"


def events_after(r, stream, version, upto=None, page=100):
    while upto is None or version < upto:
        top = "+" if upto is None else f"{upto}-0"
        chunk = r.xrange(stream, f"{version + 1}-0", top, count=page)
        for id_, f in chunk:
            version = int(id_.split("-")[0])
            yield version, json.loads(f["event"])
        if len(chunk) < page:
            return


def lift(event, up):
    while (event["type"], event["v"]) in up:
        event = up[event["type"], event["v"]](event)
    return event


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshots:{logic}"
    usable = [v for v in map(int, r.hkeys(key)) if upto is None or v <= upto]
    version = max(usable, default=0)
    state = json.loads(r.hget(key, version)) if version else None
    start = version
    for version, event in events_after(r, stream, version, upto):
        state = evolve(state, lift(event, upcasters))
    if version - start > every:
        r.hset(key, version, json.dumps(state))
    return state, version
