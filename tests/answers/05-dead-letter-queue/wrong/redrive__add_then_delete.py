"""Writes the copy, then removes the dead letter: a crash in between leaves both."""

from typing import NamedTuple

REJECTED_BY = "twice-on-crash"


class Report(NamedTuple):
    moved: int
    left: int


def redrive(r, dlq, target, *, limit, only, rate, clock, sleep):
    chosen = [(id, fields) for id, fields in r.xrange(dlq) if only(fields)]
    chosen.sort(key=lambda entry: [int(part) for part in entry[1]["x-id"].split("-")])
    moved, due = 0, clock()
    for id, fields in chosen:
        if moved == limit:
            break
        if due > clock():
            sleep(due - clock())
        original = {name: value for name, value in fields.items() if not name.startswith("x-")}
        r.xadd(target, original)
        r.xdel(dlq, id)
        moved += 1
        due = max(due, clock()) + 1 / rate
    return Report(moved, r.xlen(dlq))
