"""Fetches all events, and skips those that the snapshot holds."""

import json

REJECTED_BY = "fetches-everything"


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshots:{logic}"
    known = [int(field) for field in r.hkeys(key)]
    version = max((v for v in known if upto is None or v <= upto), default=0)
    state = json.loads(r.hget(key, version)) if version else None
    begin = version
    version, end = 0, "+" if upto is None else f"{upto}-0"
    while entries := r.xrange(stream, f"({version}-0", end, count=500):
        for id, fields in entries:
            version = int(id.split("-")[0])
            if version <= begin:
                continue
            event = json.loads(fields["event"])
            while change := upcasters.get((event["type"], event["v"])):
                event = change(event)
            state, version = evolve(state, event), int(id.split("-")[0])
            if version % every == 0 and version not in known:
                r.hset(key, version, json.dumps(state))
    return state, max(version, begin)
