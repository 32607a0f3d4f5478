"""Notes the command before it gives it: a crash in between, and it is never given."""

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}

REJECTED_BY = "lost-on-a-crash"


def on_event(r, event, *, orders, commands):
    kind, notes = event["type"], f"{orders}:{event['corr']}"
    if kind not in GOOD and kind not in BAD:
        return
    r.hset(notes, kind, 1)
    seen = r.hgetall(notes)
    wanted = []
    if BAD & set(seen) and "ShipOrder" not in seen:
        wanted = ["CancelOrder"] + [undo for good, undo in GOOD.items() if good in seen]
    elif set(GOOD) <= set(seen):
        wanted = ["ShipOrder"]
    for command in wanted:
        if r.hsetnx(notes, command, 1):
            r.xadd(commands, {"type": command, "corr": event["corr"]})
