"""Tries once, and returns when somebody else came in between."""

import redis

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}

REJECTED_BY = "misses-the-join"


def on_event(r, event, *, orders, commands):
    kind, corr = event["type"], event["corr"]
    if kind not in GOOD and kind not in BAD:
        return
    key = f"{orders}:{corr}"
    with r.pipeline() as both:
        both.watch(key)
        notes = {*both.hkeys(key), kind}
        new = set()
        if notes & BAD and "ShipOrder" not in notes:
            new = {"CancelOrder", *(undo for good, undo in GOOD.items() if good in notes)} - notes
        elif notes >= set(GOOD):
            new = {"ShipOrder"} - notes
        both.multi()
        both.hset(key, mapping=dict.fromkeys([kind, *new], 1))
        for command in new:
            both.xadd(commands, {"type": command, "corr": corr})
        try:
            both.execute()
        except redis.WatchError:
            pass  # somebody else has it
