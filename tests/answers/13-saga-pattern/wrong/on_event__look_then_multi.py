"""Gives note and command together, but does not watch what it looked at."""

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
        if command in seen:
            continue
        with r.pipeline() as both:
            both.hset(notes, command, 1)
            both.xadd(commands, {"type": command, "corr": event["corr"]})
            both.execute()
