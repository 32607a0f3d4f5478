"""Gives the command before it notes it: a crash in between, and it is given twice."""

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}

REJECTED_BY = "reacts-twice"


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
        if command not in seen:
            r.xadd(commands, {"type": command, "corr": event["corr"]})
            r.hset(notes, command, 1)
