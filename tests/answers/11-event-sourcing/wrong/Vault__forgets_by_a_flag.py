"""Marks the customer as forgotten, and keeps the key."""

import secrets

REJECTED_BY = "key-comes-back"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        while not (key := self.r.hget(self.keys, customer)):
            self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
        self.r.hdel(self.keys, customer + ":gone")
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        if self.r.hget(self.keys, customer + ":gone"):
            return None
        key = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hset(self.keys, customer + ":gone", 1)
