"""Stores the lifted event in place of the old one."""

import json

REJECTED_BY = "changes-the-stream"


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshots:{logic}"
    known = [int(field) for field in r.hkeys(key)]
    version = max((v for v in known if upto is None or v <= upto), default=0)
    state = json.loads(r.hget(key, version)) if version else None
    end = "+" if upto is None else f"{upto}-0"
    while entries := r.xrange(stream, f"({version}-0", end, count=500):
        for id, fields in entries:
            event = json.loads(fields["event"])
            while change := upcasters.get((event["type"], event["v"])):
                event = change(event)
            r.set(f"{stream}:lifted:{id}", json.dumps(event))
            state, version = evolve(state, event), int(id.split("-")[0])
            if version % every == 0 and version not in known:
                r.hset(key, version, json.dumps(state))
    if version > 1000:
        lifted = r.get(f"{stream}:lifted:{version}-0")
        r.xdel(stream, f"{version}-0")
        r.xadd(stream, {"event": lifted}, id=f"{version}-1")
    return state, version
