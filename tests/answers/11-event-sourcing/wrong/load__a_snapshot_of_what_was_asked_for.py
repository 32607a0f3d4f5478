"""Names the snapshot after upto, although the stream was shorter."""

import json

REJECTED_BY = "from-the-future"


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshots:{logic}"
    version = max((v for v in map(int, r.hkeys(key)) if upto is None or v <= upto), default=0)
    state, start = json.loads(r.hget(key, version)) if version else None, version
    while entries := r.xrange(stream, f"({version}-0", "+" if upto is None else f"{upto}-0", count=500):
        for id, fields in entries:
            event = json.loads(fields["event"])
            while change := upcasters.get((event["type"], event["v"])):
                event = change(event)
            state, version = evolve(state, event), int(id.split("-")[0])
    if version - start >= every or upto is not None:
        r.hset(key, version if upto is None else upto, json.dumps(state))
    return state, version
