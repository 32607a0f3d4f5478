"""A stream and a consumer group: recovery claims what was pending for the dead worker."""

import redis


class ReliableWorker:
    CLAIM = """
    local ids = {}
    for _, entry in ipairs(redis.call('XPENDING', KEYS[1], 'mailers', '-', '+', 10000, ARGV[1])) do
        ids[#ids + 1] = entry[1]
    end
    if #ids > 0 then
        redis.call('XCLAIM', KEYS[1], 'mailers', ARGV[2], 0, unpack(ids))
    end
    return #ids
    """

    def __init__(self, r, q, wid):
        self.r, self.stream, self.wid = r, f"{q}:stream", wid

    def _group(self):
        try:
            self.r.xgroup_create(self.stream, "mailers", id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def put(self, item):
        self.r.xadd(self.stream, {"item": item})

    def _next(self):
        for start in ("0", ">"):  # first what it holds already: recovered, or from its own life before
            reply = self.r.xreadgroup("mailers", self.wid, {self.stream: start}, count=1)
            if reply and reply[0][1]:
                return reply[0][1][0]
        return None

    def step(self, handler):
        self._group()
        entry = self._next()
        if entry is None:
            return False
        id_, fields = entry
        try:
            handler(fields["item"])
        except Exception:
            with self.r.pipeline() as p:
                p.xadd(self.stream, fields).xack(self.stream, "mailers", id_).execute()
            raise
        self.r.xack(self.stream, "mailers", id_)
        return True

    def recover(self, dead):
        self._group()
        if dead == self.wid:
            return self.r.xpending_range(self.stream, "mailers", "-", "+", 10000, self.wid).__len__()
        return self.r.eval(self.CLAIM, 1, self.stream, dead, self.wid)
