"""Marks the order as shipped in decide."""

REJECTED_BY = "decide-changes-the-state"


class Order:
    @staticmethod
    def decide(state, command):
        if state is None:
            return (
                [{"type": "OrderPlaced", "total": command["total"]}]
                if command["do"] == "place" and command["total"] > 0
                else []
            )
        left, do = state["total"] - state["paid"], command["do"]
        if do == "pay" and state["status"] != "cancelled" and 0 < command["amount"] <= left:
            return [{"type": "PaymentReceived", "amount": command["amount"]}] + [{"type": "OrderPaid"}] * (
                command["amount"] == left
            )
        if do == "cancel" and state["status"] == "placed":
            return [{"type": "Refunded", "amount": state["paid"]}] * (state["paid"] > 0) + [{"type": "OrderCancelled"}]
        shipped = do == "ship" and state["status"] == "placed" and left <= 0
        if shipped:
            state["status"] = "shipped"
        return [{"type": "OrderShipped"}] if shipped else []

    @staticmethod
    def evolve(state, event):
        kind, new = event["type"], dict(state or {"total": 0, "paid": 0, "status": "placed"})
        if kind == "OrderPlaced":
            new["total"] = event["total"]
        elif kind in ("PaymentReceived", "Refunded"):
            new["paid"] += event["amount"] if kind == "PaymentReceived" else -event["amount"]
        elif kind in ("OrderCancelled", "OrderShipped"):
            new["status"] = {"OrderCancelled": "cancelled", "OrderShipped": "shipped"}[kind]
        elif kind != "OrderPaid":
            raise ValueError(kind)
        return new
