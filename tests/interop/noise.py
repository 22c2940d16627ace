"""The handshake, from either side, and the seal of docs/protocol/handshake.md and packets.md."""

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from wire import HEAD_BYTES, Malformed, Reader, varint

NAME = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
CIPHERS = {1: ChaCha20Poly1305, 2: AESGCM}
TO_SERVER, TO_CLIENT = 1, 2


def public_of(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def agree(private, public):
    """X25519; a key of low order is refused by the library."""
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Malformed("a weak key") from error


def expand(chaining_key, material, count):
    """Noise's HKDF (revision 34, section 4.3)."""
    key = hmac.new(chaining_key, material, hashlib.blake2s).digest()
    outputs, last = [], b""
    for number in range(1, count + 1):
        last = hmac.new(key, last + bytes([number]), hashlib.blake2s).digest()
        outputs.append(last)
    return outputs


class Symmetric:
    """Noise's SymmetricState, from either side."""

    def __init__(self, prologue):
        # The name is longer than a hash, so its hash stands for it.
        self.hash = self.chaining_key = hashlib.blake2s(NAME).digest()
        self.key, self.nonce = None, 0
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.hash = hashlib.blake2s(self.hash + data).digest()

    def mix_key(self, material):
        self.chaining_key, self.key = expand(self.chaining_key, material, 2)
        self.nonce = 0

    def mix_key_and_hash(self, material):
        self.chaining_key, mixed, self.key = expand(self.chaining_key, material, 3)
        self.mix_hash(mixed)
        self.nonce = 0

    def next_nonce(self):
        self.nonce += 1
        return nonce(self.nonce - 1)

    def seal(self, text):
        sealed = ChaCha20Poly1305(self.key).encrypt(self.next_nonce(), text, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        try:
            text = ChaCha20Poly1305(self.key).decrypt(self.next_nonce(), sealed, self.hash)
        except InvalidTag as error:
            raise Malformed("forged") from error
        self.mix_hash(sealed)
        return text

    def public(self, key):
        """An ephemeral key: with a pre-shared key in the pattern it is mixed in twice."""
        self.mix_hash(key)
        self.mix_key(key)


def prologue(version, versions, client_nonce):
    return b"belfry" + b"".join(struct.pack("<H", number) for number in [version, *versions]) + client_nonce


class Initiator:
    def __init__(self, device, server, site_key, prologue_bytes, ephemeral):
        self.device, self.server, self.site_key, self.ephemeral = device, server, site_key, ephemeral
        self.state = Symmetric(prologue_bytes)
        self.state.mix_hash(server)

    def first(self, payload):
        state, public = self.state, public_of(self.ephemeral)
        state.public(public)
        state.mix_key(agree(self.ephemeral, self.server))
        sealed_device = state.seal(public_of(self.device))
        state.mix_key(agree(self.device, self.server))
        return public + sealed_device + state.seal(payload)

    def second(self, message):
        """The payload and the two secrets; after a forged message the true one can still come."""
        before = vars(self.state).copy()
        try:
            theirs, state = Reader(message).take(32), self.state
            state.public(theirs)
            state.mix_key(agree(self.ephemeral, theirs))
            state.mix_key(agree(self.device, theirs))
            state.mix_key_and_hash(self.site_key)
            payload = state.open(message[32:])
        except Malformed:
            vars(self.state).update(before)
            raise
        return payload, expand(state.chaining_key, b"", 2)


class Responder:
    """The server's side: only the vectors need it."""

    def __init__(self, identity, site_key, prologue_bytes, ephemeral):
        self.identity, self.site_key, self.ephemeral = identity, site_key, ephemeral
        self.state = Symmetric(prologue_bytes)
        self.state.mix_hash(public_of(identity))

    def first(self, message):
        """The device's public key and the payload."""
        reader, state = Reader(message), self.state
        self.theirs = reader.take(32)
        state.public(self.theirs)
        state.mix_key(agree(self.identity, self.theirs))
        self.device = state.open(reader.take(48))
        state.mix_key(agree(self.identity, self.device))
        return self.device, state.open(reader.take(reader.left()))

    def second(self, payload):
        """The second message and the two secrets."""
        state, public = self.state, public_of(self.ephemeral)
        state.public(public)
        state.mix_key(agree(self.ephemeral, self.theirs))
        state.mix_key(agree(self.ephemeral, self.device))
        state.mix_key_and_hash(self.site_key)
        return public + state.seal(payload), expand(state.chaining_key, b"", 2)


def nonce(number):
    return bytes(4) + struct.pack("<Q", number)


class Key:
    """The key of one direction."""

    def __init__(self, secret, cipher, direction):
        info = b"belfry1 data" + bytes([cipher, direction])
        self.cipher = CIPHERS[cipher](HKDF(hashes.SHA256(), 32, b"", info).derive(secret))

    def seal(self, number, head, frames):
        return head + self.cipher.encrypt(nonce(number), frames, head)

    def open(self, number, datagram):
        try:
            return self.cipher.decrypt(nonce(number), datagram[HEAD_BYTES:], datagram[:HEAD_BYTES])
        except InvalidTag as error:
            raise Malformed("forged") from error


def whole_number(low, following):
    """The packet number nearest to `following` with these low 32 bits."""
    number = (following & ~0xFFFFFFFF) | low
    candidates = [number + step for step in (-(1 << 32), 0, 1 << 32) if 0 <= number + step < 1 << 64]
    return min(candidates, key=lambda candidate: (abs(candidate - following), -candidate))


# --- Parameters --------------------------------------------------------------------------------------------------------------


def encode_parameters(parameters):
    return b"".join(varint(number) + varint(len(value)) + value for number, value in sorted(parameters.items()))


def decode_parameters(payload, known):
    """`known`: number to size, `None` for any size. All but the optional number 6 must be there."""
    reader, found, before = Reader(payload), {}, -1
    while reader.left():
        number = reader.varint()
        value = reader.take(reader.varint())
        if number <= before or (number not in known and number % 2):
            raise Malformed("a parameter")
        if number in known:
            if known[number] not in (None, len(value)):
                raise Malformed("a parameter's size")
            found[number] = value
        before = number
    if any(number not in found for number in known if number != 6):
        raise Malformed("a parameter is missing")
    return found


def reset_token(identity, session):
    """What Belfry's server makes of its key and the number by which clients address a session."""
    key = hmac.new(identity, b"belfry1 reset key", hashlib.sha256).digest()
    return hmac.new(key, b"belfry1 reset" + struct.pack("<I", session), hashlib.sha256).digest()[:16]


SERVER_PARAMETERS = {1: 4, 3: 1, 4: 16, 8: 16}
CLIENT_PARAMETERS = {1: 4, 3: None, 6: 20}
