"""Goes on sealing with the key that it knows."""

import secrets

REJECTED_BY = "cannot-open"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt
        self.known = {}

    def seal(self, customer, text):
        key = self.known.get(customer)
        while not key:
            self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
            key = self.known[customer] = self.r.hget(self.keys, customer)
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
