"""Numbers the states with a counter of the process."""

REJECTED_BY = "replay-differs"


class Order:
    made = 0

    @staticmethod
    def decide(state, command):
        total, paid, status, *number = state or (0, 0, "none")
        match command:
            case {"do": "place", "total": t} if state is None and t > 0:
                return [{"type": "OrderPlaced", "total": t}]
            case {"do": "pay", "amount": a} if status in ("placed", "shipped") and 0 < a <= total - paid:
                return [{"type": "PaymentReceived", "amount": a}] + [{"type": "OrderPaid"}] * (a == total - paid)
            case {"do": "cancel"} if status == "placed":
                return [{"type": "Refunded", "amount": paid}] * (paid > 0) + [{"type": "OrderCancelled"}]
            case {"do": "ship"} if status == "placed" and paid >= total:
                return [{"type": "OrderShipped"}]
        return []

    @staticmethod
    def evolve(state, event):
        total, paid, status, *number = state or (0, 0, "none")
        match event["type"]:
            case "OrderPlaced":
                Order.made += 1
                return event["total"], paid, "placed", Order.made
            case "PaymentReceived":
                return total, paid + event["amount"], status, *number
            case "Refunded":
                return total, paid - event["amount"], status, *number
            case "OrderPaid":
                return state
            case "OrderCancelled":
                return total, paid, "cancelled", *number
            case "OrderShipped":
                return total, paid, "shipped", *number
        raise ValueError(f"unknown event {event['type']}")
