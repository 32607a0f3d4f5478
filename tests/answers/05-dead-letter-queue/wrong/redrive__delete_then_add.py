"""Removes the dead letter before the target has the copy."""

from typing import NamedTuple

REJECTED_BY = "loses-on-crash"


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
        r.xdel(dlq, id)
        r.xadd(target, original)
        moved += 1
        due = max(due, clock()) + 1 / rate
    return Report(moved, r.xlen(dlq))
