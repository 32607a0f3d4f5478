"""Takes the age of the last sale that was projected: it grows on a quiet night."""

REJECTED_BY = "idle-is-stale"


def staleness(r, stream, name, now_ms):
    at = r.hget(name, "checkpoint") or "0-0"
    age = now_ms - int(at.split("-")[0])
    return age, age
