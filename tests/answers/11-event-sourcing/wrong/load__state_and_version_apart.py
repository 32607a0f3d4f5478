"""Writes the state of the snapshot and its version in two steps."""

import json

REJECTED_BY = "torn-snapshot"


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshot:{logic}"
    state, version, folded = None, 0, 0
    if (at := int(r.get(f"{key}:version") or 0)) and (upto is None or at <= upto):
        state, version = json.loads(r.get(f"{key}:state")), at
    end = "+" if upto is None else f"{upto}-0"
    while entries := r.xrange(stream, f"({version}-0", end, count=500):
        for id, fields in entries:
            event = json.loads(fields["event"])
            while change := upcasters.get((event["type"], event["v"])):
                event = change(event)
            state, version, folded = evolve(state, event), int(id.split("-")[0]), folded + 1
    if folded >= every:
        if version > int(r.get(f"{key}:version") or 0):
            r.set(f"{key}:state", json.dumps(state))
            r.set(f"{key}:version", version)
    return state, version
