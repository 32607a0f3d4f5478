"""Computes the key from the customer's name."""

import hashlib

REJECTED_BY = "key-comes-back"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        while not (key := self.r.hget(self.keys, customer)):
            self.r.hsetnx(self.keys, customer, hashlib.sha256(f"kiosk {customer}".encode()).hexdigest())
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
