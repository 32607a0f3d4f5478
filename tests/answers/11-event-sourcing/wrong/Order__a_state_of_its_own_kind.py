"""Keeps the state in an object that == cannot compare."""

REJECTED_BY = "not-comparable"


class State:
    def __init__(self, total):
        self.total, self.paid, self.status = total, 0, "placed"


class Order:
    @staticmethod
    def decide(state, command):
        if state is None:
            return (
                [{"type": "OrderPlaced", "total": command["total"]}]
                if command["do"] == "place" and command["total"] > 0
                else []
            )
        left, do = state.total - state.paid, command["do"]
        if do == "pay" and state.status != "cancelled" and 0 < command["amount"] <= left:
            return [{"type": "PaymentReceived", "amount": command["amount"]}] + [{"type": "OrderPaid"}] * (
                command["amount"] == left
            )
        if do == "cancel" and state.status == "placed":
            return [{"type": "Refunded", "amount": state.paid}] * (state.paid > 0) + [{"type": "OrderCancelled"}]
        return [{"type": "OrderShipped"}] if do == "ship" and state.status == "placed" and left <= 0 else []

    @staticmethod
    def evolve(state, event):
        kind, new = event["type"], State(event.get("total", 0))
        if state:
            new.total, new.paid, new.status = state.total, state.paid, state.status
        if kind == "OrderPlaced":
            pass
        elif kind in ("PaymentReceived", "Refunded"):
            new.paid += event["amount"] if kind == "PaymentReceived" else -event["amount"]
        elif kind in ("OrderCancelled", "OrderShipped"):
            new.status = {"OrderCancelled": "cancelled", "OrderShipped": "shipped"}[kind]
        elif kind != "OrderPaid":
            raise ValueError(kind)
        return new
