"""Who lost the race takes the other key for granted; it may be gone again."""

import secrets

REJECTED_BY = "raised"


class Base:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt


class Vault(Base):
    def seal(self, customer, text):
        k = self.r.hget(self.keys, customer)
        if k is None:
            k = secrets.token_hex(16)
            if not self.r.hsetnx(self.keys, customer, k):
                k = self.r.hget(self.keys, customer)
        return self.encrypt(bytes.fromhex(k), text)

    def open(self, customer, sealed):
        k = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(k), sealed) if k else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
