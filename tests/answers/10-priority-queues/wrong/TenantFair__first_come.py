"""One list for all tenants."""

import json

REJECTED_BY = "unfair"


class TenantFair:
    def __init__(self, r, key, quantum):
        self.r, self.key, self.quantum = r, key, quantum

    def push(self, tenant, message):
        self.r.rpush(self.key, json.dumps([tenant, message]))

    def pop(self):
        got = self.r.lpop(self.key)
        return tuple(json.loads(got)) if got else None
