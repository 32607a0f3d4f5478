"""Takes the time of death from the id of the dead letter."""

import re
from typing import NamedTuple

REJECTED_BY = "wrong-age"


class Alarm(NamedTuple):
    kind: str
    fingerprint: str
    count: int
    oldest_ms: int


def triage(r, dlq, known, now_ms, *, max_age_ms):
    ages = {}
    for id, fields in r.xrange(dlq):
        fingerprint = fields["x-error"] + ": " + re.sub(r"[0-9]+", "#", fields["x-text"])
        ages.setdefault(fingerprint, []).append(now_ms - int(id.split("-")[0]))
    alarms = []
    for fingerprint, group in sorted(ages.items(), key=lambda item: (-len(item[1]), item[0])):
        if r.sadd(known, fingerprint):
            alarms.append(Alarm("new", fingerprint, len(group), max(group)))
        if max(group) > max_age_ms:
            alarms.append(Alarm("old", fingerprint, len(group), max(group)))
    return alarms
