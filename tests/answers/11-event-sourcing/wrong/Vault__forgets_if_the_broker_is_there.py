"""forget swallows the errors of the broker."""

import secrets

import redis

REJECTED_BY = "hides-an-error"


class Base:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt


class Vault(Base):
    def seal(self, customer, text):
        k = self.r.eval(
            "redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) return redis.call('HGET', KEYS[1], ARGV[1])",
            1,
            self.keys,
            customer,
            secrets.token_hex(32),
        )
        return self.encrypt(bytes.fromhex(k), text)

    def open(self, customer, sealed):
        k = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(k), sealed) if k else None
        except ValueError:
            return None

    def forget(self, customer):
        try:
            self.r.hdel(self.keys, customer)
        except redis.RedisError:
            pass
