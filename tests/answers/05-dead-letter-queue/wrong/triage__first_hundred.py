"""Counts the first hundred letters."""

import re
from typing import NamedTuple

REJECTED_BY = "sees-a-part"


class Alarm(NamedTuple):
    kind: str
    fingerprint: str
    count: int
    oldest_ms: int


def triage(r, dlq, known, now_ms, *, max_age_ms):
    ages = {}
    for _, fields in r.xrange(dlq, count=100):
        fingerprint = fields["x-error"] + ": " + re.sub(r"[0-9]+", "#", fields["x-text"])
        ages.setdefault(fingerprint, []).append(now_ms - int(fields["x-first-ms"]))
    alarms = []
    for fingerprint, group in sorted(ages.items(), key=lambda item: (-len(item[1]), item[0])):
        if r.sadd(known, fingerprint):
            alarms.append(Alarm("new", fingerprint, len(group), max(group)))
        if max(group) > max_age_ms:
            alarms.append(Alarm("old", fingerprint, len(group), max(group)))
    return alarms
