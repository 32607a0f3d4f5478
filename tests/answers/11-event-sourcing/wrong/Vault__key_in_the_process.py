"""Keeps the keys in a dictionary."""

import secrets

REJECTED_BY = "cannot-open"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, {}, encrypt, decrypt

    def seal(self, customer, text):
        while not (key := self.keys.get(customer)):
            self.keys[customer] = secrets.token_hex(32)
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.keys.get(customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.keys.pop(customer, None)
