"""Forgets by an empty key, and seals with it when the customer comes back."""

import secrets

REJECTED_BY = "weak-key"


class Base:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt


class Vault(Base):
    def seal(self, customer, text):
        self.r.hsetnx(self.keys, customer, secrets.token_hex(16))
        return self.encrypt(bytes.fromhex(self.r.hget(self.keys, customer)), text)

    def open(self, customer, sealed):
        k = self.r.hget(self.keys, customer)
        if k is None:
            return None
        try:
            return self.decrypt(bytes.fromhex(k), sealed)
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hset(self.keys, customer, "")
