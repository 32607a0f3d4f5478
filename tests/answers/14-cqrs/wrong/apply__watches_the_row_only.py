"""Reads and writes the counts as well, and watches the row only: another order's worker changes them meanwhile."""

REJECTED_BY = "two-orders"


def apply(r, view: str, event: dict) -> None:
    row, counts = f"{view}:order:{event['key']}", f"{view}:counts"
    status, body = event["type"].removeprefix("Order").lower(), event["body"]

    def step(p):
        old, number = p.hgetall(row), p.hgetall(counts)
        p.multi()
        if event["type"] == "OrderPlaced":
            p.hset(row, mapping={"customer": body["customer"], "total": body["total"]})
            p.zadd(f"{view}:orders:{body['customer']}", {event["key"]: event["ts_ms"]})
        if event["seq"] > int(old.get("version", 0)):
            if "status" in old:
                p.hset(counts, old["status"], int(number[old["status"]]) - 1)
            p.hset(counts, status, int(number.get(status, 0)) + 1)
            p.hset(row, mapping={"version": event["seq"], "status": status})

    r.transaction(step, row)
