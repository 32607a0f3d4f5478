"""Sixteen hexadecimal digits are eight bytes."""

import secrets

REJECTED_BY = "weak-key"


class Base:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt


class Vault(Base):
    def seal(self, customer, text):
        while True:
            self.r.hsetnx(self.keys, customer, secrets.token_hex(8))
            k = self.r.hget(self.keys, customer)
            if k:
                return self.encrypt(k.encode(), text)

    def open(self, customer, sealed):
        k = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(k.encode(), sealed) if k else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
