"""Does not expect that the key is gone between two commands."""

import secrets

REJECTED_BY = "raised"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
        key = self.r.hget(self.keys, customer)
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
