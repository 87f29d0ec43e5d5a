"""Web push as bytes: a message encrypted for a browser (RFC 8291, RFC 8188), the sender's signature (RFC 8292)."""

import base64
import json
import os
import time
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD_SIZE = 4096
#: What push services take for certain: 4096 bytes, less what encryption adds.
MOST_BYTES = 3993
TOKEN_LIVES_S = 12 * 3600


def encoded(data: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Raises ValueError."""
    if not text.isascii():
        raise ValueError(text)
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)


def new_key() -> str:
    """A private P-256 key as text."""
    return encoded(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big"))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decoded(text), "big"), ec.SECP256R1())


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as an uncompressed point of 65 bytes."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def public_key(text: str) -> ec.EllipticCurvePublicKey:
    """A browser's key. Raises ValueError for what is none."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(text))
    except UnsupportedAlgorithm as error:
        raise ValueError(text) from error


def derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def encrypt(
    message: bytes,
    p256dh: str,
    auth: str,
    *,
    salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a push request, content encoding aes128gcm, in one record.

    Args:
        p256dh, auth: the browser's public key and its shared secret, as its subscription names them.
        salt, sender: fresh ones, unless given.

    Raises:
        ValueError: the message is longer than MOST_BYTES, or a key is none.
    """
    if len(message) > MOST_BYTES:
        raise ValueError("the message is too long")
    salt = salt or os.urandom(16)
    sender = sender or ec.generate_private_key(ec.SECP256R1())
    receiver, own = public_key(p256dh), point(sender.public_key())
    shared = sender.exchange(ec.ECDH(), receiver)
    # RFC 8291 §3.3: the browser's secret makes the keys its own.
    material = derived(shared, decoded(auth), b"WebPush: info\0" + point(receiver) + own, 32)
    key = derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derived(material, salt, b"Content-Encoding: nonce\0", 12)
    # RFC 8188 §2: salt, record size, the sender's key; the delimiter 2 says that this record is the last.
    head = salt + RECORD_SIZE.to_bytes(4, "big") + len(own).to_bytes(1, "big") + own
    return head + AESGCM(key).encrypt(nonce, message + b"\x02", None)


def authorization(endpoint: str, key_text: str, contact: str) -> str:
    """RFC 8292: who sends this, signed for the push service of the endpoint."""
    key, parts = private_key(key_text), urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + TOKEN_LIVES_S, "sub": contact}
    words = (json.dumps(part, separators=(",", ":")).encode() for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    text = ".".join(map(encoded, words))
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{text}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={encoded(point(key.public_key()))}"
