"""Takes 0 for no state."""

import json

import redis

REJECTED_BY = "state-not-kept"


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
    key = f"{stream}:snapshot:{logic}"
    state, version, base = None, 0, 0
    saved = r.get(key)
    if saved:
        s, v = json.loads(saved)
        base = v
        if upto is None or v <= upto:
            state, version = s or None, v
    for version, event in events_after(r, stream, version, upto):
        state = evolve(state, lift(event, upcasters))
    if version - base >= every:
        S = """
        local o = redis.call('GET', KEYS[1])
        if not o or cjson.decode(o)[2] < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[1]) end
        """
        r.eval(S, 1, key, json.dumps([state, version]), version)
    return state, version
