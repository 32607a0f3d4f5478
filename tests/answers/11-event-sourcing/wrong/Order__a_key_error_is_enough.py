"""A table of the events it knows: KeyError for any other."""

REJECTED_BY = "other-error"


class Order:
    @staticmethod
    def decide(state, command):
        do = command.get("do")
        if do == "place":
            return (
                [{"type": "OrderPlaced", "total": command["total"]}] if state is None and command["total"] > 0 else []
            )
        if state is None or state["c"]:
            return []
        if do == "pay":
            a = command["amount"]
            if not 0 < a <= state["t"] - state["p"]:
                return []
            return [{"type": "PaymentReceived", "amount": a}] + (
                [{"type": "OrderPaid"}] if state["p"] + a == state["t"] else []
            )
        if do == "cancel" and not state["s"]:
            return ([{"type": "Refunded", "amount": state["p"]}] if state["p"] else []) + [{"type": "OrderCancelled"}]
        if do == "ship" and not state["s"] and state["p"] >= state["t"]:
            return [{"type": "OrderShipped"}]
        return []

    @staticmethod
    def evolve(state, event):
        s = dict(state or {"t": 0, "p": 0, "s": False, "c": False})
        return {
            "OrderPlaced": lambda: s | {"t": event["total"]},
            "PaymentReceived": lambda: s | {"p": s["p"] + event["amount"]},
            "OrderPaid": lambda: s,
            "Refunded": lambda: s | {"p": s["p"] - event["amount"]},
            "OrderCancelled": lambda: s | {"c": True},
            "OrderShipped": lambda: s | {"s": True},
        }[event["type"]]()
