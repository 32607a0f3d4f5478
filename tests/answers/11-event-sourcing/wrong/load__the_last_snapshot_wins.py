"""Keeps one snapshot, and a look into the past takes its place."""

import json

REJECTED_BY = "older-snapshot-wins"


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshot:{logic}"
    state, version, folded = None, 0, 0
    if (kept := r.get(key)) and (upto is None or json.loads(kept)[1] <= upto):
        state, version = json.loads(kept)
    end = "+" if upto is None else f"{upto}-0"
    while entries := r.xrange(stream, f"({version}-0", end, count=500):
        for id, fields in entries:
            event = json.loads(fields["event"])
            while change := upcasters.get((event["type"], event["v"])):
                event = change(event)
            state, version, folded = evolve(state, event), int(id.split("-")[0]), folded + 1
    if folded >= every:
        r.set(key, json.dumps([state, version]))
    return state, version
