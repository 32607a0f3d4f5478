"""Reads the notes before it adds its own: of two events at once each misses the other."""

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}

GIVE = """
if redis.call('HSETNX', KEYS[1], ARGV[1], 1) == 1 then
    redis.call('XADD', KEYS[2], '*', 'type', ARGV[1], 'corr', ARGV[2])
end
"""

REJECTED_BY = "misses-the-join"


def on_event(r, event, *, orders, commands):
    kind, notes = event["type"], f"{orders}:{event['corr']}"
    if kind not in GOOD and kind not in BAD:
        return
    seen = r.hgetall(notes)
    r.hset(notes, kind, 1)
    seen[kind] = 1
    wanted = []
    if "ShipOrder" in seen:
        return
    if BAD & set(seen):
        wanted = ["CancelOrder"] + [undo for good, undo in GOOD.items() if good in seen]
    elif set(GOOD) <= set(seen):
        wanted = ["ShipOrder"]
    for command in wanted:
        if command not in seen and r.eval(GIVE, 2, notes, commands, command, event["corr"]):
            seen[command] = 1
