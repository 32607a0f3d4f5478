"""Reads `limit` letters and then chooses: those that stay use up the limit."""

from typing import NamedTuple

REJECTED_BY = "limit-counts-the-kept"


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
    chosen = r.xrange(dlq)
    chosen.sort(key=lambda entry: [int(part) for part in entry[1]["x-id"].split("-")])
    chosen = [entry for entry in chosen[:limit] if only(entry[1])]
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
