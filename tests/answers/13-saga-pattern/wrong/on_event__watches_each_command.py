"""Watches each command for itself: ship and cancel can both win."""

import redis

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}

REJECTED_BY = "ships-and-cancels"


def on_event(r, event, *, orders, commands):
    kind, notes = event["type"], f"{orders}:{event['corr']}"
    if kind not in GOOD and kind not in BAD:
        return
    r.hset(notes, kind, 1)
    seen = r.hgetall(notes)
    wanted = []
    if "ShipOrder" in seen:
        return
    if BAD & set(seen):
        wanted = ["CancelOrder"] + [undo for good, undo in GOOD.items() if good in seen]
    elif set(GOOD) <= set(seen):
        wanted = ["ShipOrder"]
    for command in wanted:
        with r.pipeline() as both:
            both.watch(f"{notes}:{command}")
            if both.exists(f"{notes}:{command}"):
                continue
            both.multi()
            both.hset(notes, command, 1)
            both.set(f"{notes}:{command}", 1)
            both.xadd(commands, {"type": command, "corr": event["corr"]})
            try:
                both.execute()
            except redis.WatchError:
                pass
