"""Encrypted columns as Mastodon writes them, by libcrypto, for the fake
secrets of envfile.py: every row decrypts with the env-file of its seed."""

import base64
import ctypes
import ctypes.util
import hashlib
import json

lib = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(lib, name).restype = ctypes.c_void_p
GET_TAG = 0x10


def gcm(key, iv, plain):
    """Ciphertext and tag."""
    ctx = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
    out, tag = ctypes.create_string_buffer(len(plain) + 16), ctypes.create_string_buffer(16)
    n = ctypes.c_int()
    ok = lib.EVP_EncryptInit_ex(ctx, ctypes.c_void_p(lib.EVP_aes_256_gcm()), None, key, iv) \
        and lib.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), plain, len(plain)) \
        and lib.EVP_EncryptFinal_ex(ctx, None, ctypes.byref(n)) \
        and lib.EVP_CIPHER_CTX_ctrl(ctx, GET_TAG, 16, tag)
    lib.EVP_CIPHER_CTX_free(ctx)
    if not ok:
        raise RuntimeError("libcrypto does not encrypt")
    return out.raw[:len(plain)], tag.raw


def b64(p):
    return base64.b64encode(p).decode()


class ActiveRecord:
    def __init__(self, secrets):
        self.key = hashlib.pbkdf2_hmac(
            "sha256", secrets["ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY"].encode(),
            secrets["ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT"].encode(), 65536, 32)

    def seal(self, plain, iv):
        """The message; iv is 12 bytes."""
        p, tag = gcm(self.key, iv, plain.encode())
        return json.dumps({"p": b64(p), "h": {"iv": b64(iv), "at": b64(tag)}},
                          separators=(",", ":"))
