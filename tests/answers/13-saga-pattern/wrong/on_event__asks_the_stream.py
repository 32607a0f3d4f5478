"""Looks into the stream for what was commanded."""

REACT = """
redis.call('HSET', KEYS[1], ARGV[1], 1)
local function has(name) return redis.call('HEXISTS', KEYS[1], name) == 1 end
local function given(command)
    for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
        if entry[2][2] == command and entry[2][4] == ARGV[2] then return true end
    end
end
local function once(command)
    if not given(command) then redis.call('XADD', KEYS[2], '*', 'type', command, 'corr', ARGV[2]) end
end
if given('ShipOrder') then return end
if has('OutOfStock') or has('PaymentFailed') or has('OrderCancelled') then
    once('CancelOrder')
    if has('StockReserved') then once('ReleaseStock') end
    if has('PaymentAuthorised') then once('RefundPayment') end
elseif has('StockReserved') and has('PaymentAuthorised') then
    once('ShipOrder')
end
"""
KNOWN = {"StockReserved", "OutOfStock", "PaymentAuthorised", "PaymentFailed", "OrderCancelled"}

REJECTED_BY = "asks-the-stream"


def on_event(r, event, *, orders, commands):
    if event["type"] in KNOWN:
        r.eval(REACT, 2, f"{orders}:{event['corr']}", commands, event["type"], event["corr"])
