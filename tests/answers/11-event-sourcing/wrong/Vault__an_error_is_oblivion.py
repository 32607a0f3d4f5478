"""Takes every error for a forgotten customer."""

import secrets

REJECTED_BY = "hides-an-error"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        while not (key := self.r.hget(self.keys, customer)):
            self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        try:
            key = self.r.hget(self.keys, customer)
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except Exception:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
