"""Key: logic and version without anything between them. v1 at 110 is v11 at 10."""

import json

REJECTED_BY = "stale-logic"


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
    # one key per version, name without a separator; index in a set
    top = upto if upto is not None else r.xlen(stream)
    state, version = None, 0
    k = top - top % every
    while k > 0:
        s = r.get(f"{stream}:{logic}{k}")
        if s is not None:
            state, version = json.loads(s), k
            break
        k -= every
    for version, event in events_after(r, stream, version, upto):
        state = evolve(state, lift(event, upcasters))
        if version % every == 0:
            r.set(f"{stream}:{logic}{version}", json.dumps(state))
    return state, version
