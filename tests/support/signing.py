"""Signs mails with DKIM as no library would, to see what is made of it: any tags, any key."""

import base64
import secrets
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

from dkim.canonicalization import Relaxed, Simple
from dkim.crypto import HASH_ALGORITHMS, RSASSA_PKCS1_v1_5_sign

_RSA = bytes.fromhex("06092a864886f70d0101010500")
"""The algorithm's name in DER, and NULL."""

_FORMS: dict[str, Any] = {"simple": Simple, "relaxed": Relaxed}


@dataclass(frozen=True)
class Key:
    """An RSA key pair."""

    modulus: int
    exponent: int
    private: int
    p: int
    q: int

    def record(self, tags: str = "v=DKIM1; k=rsa") -> str:
        """The key record of the public half."""
        numbers = _sequence(_integer(self.modulus) + _integer(self.exponent))
        spki = _sequence(_sequence(_RSA) + _der(0x03, b"\0" + numbers))
        return f"{tags}; p={base64.b64encode(spki).decode()}"

    @property
    def pem(self) -> bytes:
        """PKCS #1, as the library wants it."""
        parts = (
            *(0, self.modulus, self.exponent, self.private, self.p, self.q),
            *(self.private % (self.p - 1), self.private % (self.q - 1), pow(self.q, -1, self.p)),
        )
        der = _sequence(b"".join(_integer(part) for part in parts))
        return b"-----BEGIN-----\n" + base64.b64encode(der) + b"\n-----END-----\n"

    @property
    def library(self) -> dict[str, int]:
        """As the library has it within."""
        return {
            "modulus": self.modulus,
            "prime1": self.p,
            "prime2": self.q,
            "exponent1": self.private,
            "exponent2": self.private,
            "coefficient": pow(self.q, -1, self.p),
        }


@cache
def a_key(bits: int = 1024, number: int = 0, exponent: int = 65537) -> Key:
    """A fresh key, the same for the length of a test run; ``number`` tells keys apart."""
    while True:
        p, q = _prime(bits - bits // 2), _prime(bits // 2)
        rest = (p - 1) * (q - 1)
        if p != q and (p * q).bit_length() == bits and _coprime(exponent, rest):
            return Key(p * q, exponent, pow(exponent, -1, rest), p, q)


@cache
def a_huge_key() -> Key:
    """One of 9216 bits, of more than two primes, which are quicker found."""
    keys = [a_key(2048, number) for number in range(4)] + [a_key()]
    primes = [prime for key in keys for prime in (key.p, key.q)]
    rest = prod(prime - 1 for prime in primes)
    return Key(prod(primes), 65537, pow(65537, -1, rest), prod(primes[:5]), prod(primes[5:]))


def sign(
    mail: bytes,
    key: Key,
    *,
    domain: str = "example.org",
    forms: str = "relaxed/relaxed",
    names: str = "from:to:subject",
    algorithm: str = "rsa-sha256",
    tags: str = "",
    drop: str = "",
) -> bytes:
    """The mail with a signature on top; ``tags`` are put in before the hashes, the one named by ``drop`` left out."""
    header, _, body = mail.partition(b"\r\n\r\n")
    of_header, of_body = (_FORMS[form] for form in (*forms.split("/"), "simple")[:2])
    hasher = HASH_ALGORITHMS[algorithm.encode()]
    hashed = base64.b64encode(hasher(of_body.canonicalize_body(body)).digest()).decode()
    wanted = {"v": "1", "a": algorithm, "c": forms, "d": domain, "s": "sel", "h": names, "bh": hashed}
    text = "; ".join(f"{name}={value}" for name, value in wanted.items() if name != drop)
    value = f" {text};{f' {tags};' if tags else ''} b=".encode()
    signed = hasher()
    fields = [(name, rest + b"\r\n") for name, _, rest in (line.partition(b":") for line in _fields(header))]
    taken: set[int] = set()
    for name in names.lower().split(":"):
        places = [at for at, field in enumerate(fields) if field[0].lower() == name.encode() and at not in taken]
        if places:
            taken.add(places[-1])
            signed.update(b":".join(of_header.canonicalize_headers([fields[places[-1]]])[0]))
    [(name_part, value_part)] = of_header.canonicalize_headers([(b"DKIM-Signature", value + b"\r\n")])
    signed.update(name_part + b":" + value_part.removesuffix(b"\r\n"))
    made = base64.b64encode(RSASSA_PKCS1_v1_5_sign(signed, key.library))
    return b"DKIM-Signature:" + value + made + b"\r\n" + mail


def _fields(header: bytes) -> list[bytes]:
    """The fields, each with its folds."""
    joined = header.replace(b"\r\n ", b"\0 ").replace(b"\r\n\t", b"\0\t")
    return [field.replace(b"\0", b"\r\n") for field in joined.split(b"\r\n")]


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _integer(number: int) -> bytes:
    return _der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _sequence(content: bytes) -> bytes:
    return _der(0x30, content)


def _coprime(exponent: int, rest: int) -> bool:
    return rest % exponent != 0 if exponent > 1 else True


def _prime(bits: int) -> int:
    """A number that is prime as far as anybody can tell, its two highest bits set."""
    while True:
        candidate = secrets.randbits(bits) | (0b11 << (bits - 2)) | 1
        if all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23, 29)) and _looks_prime(candidate):
            return candidate


def _looks_prime(candidate: int) -> bool:
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(12):
        x = pow(secrets.randbelow(candidate - 3) + 2, odd, candidate)
        if x not in {1, candidate - 1} and not any((x := x * x % candidate) == candidate - 1 for _ in range(twos - 1)):
            return False
    return True
