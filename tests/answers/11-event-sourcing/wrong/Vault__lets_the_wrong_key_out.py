"""Does not expect that a key is the wrong one."""

import secrets

REJECTED_BY = "lets-it-out"


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        while not (key := self.r.hget(self.keys, customer)):
            self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer)
        return self.decrypt(bytes.fromhex(key), sealed) if key else None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
