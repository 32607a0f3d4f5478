"""Another caller was quicker: gives up, although a place is free."""

import redis

REJECTED_BY = "refuses-though-room"


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while True:
        with r.pipeline() as p:
            p.watch(q)
            if p.llen(q) < max_len:
                p.multi()
                p.rpush(q, item)
                try:
                    p.execute()
                except redis.WatchError:
                    pass
                else:
                    return True
        if clock() >= deadline:
            return False
        sleep(min(0.02, deadline - clock()))
