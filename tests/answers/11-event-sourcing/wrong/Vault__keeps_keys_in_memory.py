"""Keeps the keys that it has used."""

import secrets

REJECTED_BY = "not-forgotten"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt
        self.known = {}

    def seal(self, customer, text):
        while not (key := self.r.hget(self.keys, customer)):
            self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
        self.known[customer] = key
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.known.get(customer) or self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
