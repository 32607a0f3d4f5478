"""Takes the key of the event for the order."""

REACT = """
redis.call('HSET', KEYS[1], ARGV[1], 1)
local function has(name) return redis.call('HEXISTS', KEYS[1], name) == 1 end
local function once(command)
    if redis.call('HSETNX', KEYS[1], command, 1) == 1 then
        redis.call('XADD', KEYS[2], '*', 'type', command, 'corr', ARGV[2])
    end
end
if has('ShipOrder') then return end
if has('OutOfStock') or has('PaymentFailed') or has('OrderCancelled') then
    once('CancelOrder')
    if has('StockReserved') then once('ReleaseStock') end
    if has('PaymentAuthorised') then once('RefundPayment') end
elseif has('StockReserved') and has('PaymentAuthorised') then
    once('ShipOrder')
end
"""
KNOWN = {"StockReserved", "OutOfStock", "PaymentAuthorised", "PaymentFailed", "OrderCancelled"}

REJECTED_BY = "wrong-corr"


def on_event(r, event, *, orders, commands):
    if event["type"] in KNOWN:
        r.eval(REACT, 2, f"{orders}:{event['key']}", commands, event["type"], event["key"])
