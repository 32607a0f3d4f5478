"""Reads a hundred letters and sorts those."""

from typing import NamedTuple

REJECTED_BY = "sees-a-part"


class Report(NamedTuple):
    moved: int
    left: int


MOVE = """
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then
    return 0
end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return 1
"""


def redrive(r, dlq, target, *, limit, only, rate, clock, sleep):
    chosen = [(id, fields) for id, fields in r.xrange(dlq, count=100) if only(fields)]
    chosen.sort(key=lambda entry: [int(part) for part in entry[1]["x-id"].split("-")])
    moved, due = 0, clock()
    for id, fields in chosen:
        if moved == limit:
            break
        if due > clock():
            sleep(due - clock())
        original = [part for name, value in fields.items() if not name.startswith("x-") for part in (name, value)]
        if r.eval(MOVE, 2, dlq, target, id, *original):
            moved += 1
            due = max(due, clock()) + 1 / rate
    return Report(moved, r.xlen(dlq))
