"""A consumer group that acknowledges after the effect; what is pending is added again."""

import json

import redis

REJECTED_BY = "counted-twice"


def project(r, stream, view, limit=100):
    try:
        r.xgroup_create(stream, view, "0")
    except redis.ResponseError:
        pass
    entries = r.xreadgroup(view, "me", {stream: "0"}, count=limit)[0][1]
    if not entries:
        new = r.xreadgroup(view, "me", {stream: ">"}, count=limit)
        entries = new[0][1] if new else []
    if not entries:
        return 0
    with r.pipeline() as p:
        for _, fields in entries:
            event = json.loads(fields["event"])
            sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
            if sign:
                p.hincrby(view, event["customer"], sign * event["cents"])
        p.execute()
    r.xack(stream, view, *[id for id, _ in entries])
    return len(entries)
