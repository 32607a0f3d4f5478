"""Tells the customer in decide, before anything is stored."""

REJECTED_BY = "acts"


class Order:
    @staticmethod
    def decide(state, command):
        total, paid, status = state or (0, 0, "none")
        match command:
            case {"do": "place", "total": t} if state is None and t > 0:
                return [{"type": "OrderPlaced", "total": t}]
            case {"do": "pay", "amount": a} if status in ("placed", "shipped") and 0 < a <= total - paid:
                return [{"type": "PaymentReceived", "amount": a}] + [{"type": "OrderPaid"}] * (a == total - paid)
            case {"do": "cancel"} if status == "placed":
                return [{"type": "Refunded", "amount": paid}] * (paid > 0) + [{"type": "OrderCancelled"}]
            case {"do": "ship"} if status == "placed" and paid >= total:
                print("Dear customer, your parcel has left")
                return [{"type": "OrderShipped"}]
        return []

    @staticmethod
    def evolve(state, event):
        total, paid, status = state or (0, 0, "none")
        match event["type"]:
            case "OrderPlaced":
                return event["total"], paid, "placed"
            case "PaymentReceived":
                return total, paid + event["amount"], status
            case "Refunded":
                return total, paid - event["amount"], status
            case "OrderPaid":
                return state
            case "OrderCancelled":
                return total, paid, "cancelled"
            case "OrderShipped":
                return total, paid, "shipped"
        raise ValueError(f"unknown event {event['type']}")
