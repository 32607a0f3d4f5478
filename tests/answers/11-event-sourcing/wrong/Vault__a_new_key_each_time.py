"""Makes a new key for each text."""

import secrets

REJECTED_BY = "key-overwritten"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        key = secrets.token_hex(32)
        self.r.hset(self.keys, customer, key)
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
