"""BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), written from its paper: slow, and without anything but hashing whole contents."""

CHUNK, BLOCK = 1024, 64
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
MASK = 0xFFFFFFFF


def turned(word, bits):
    return (word >> bits | word << (32 - bits)) & MASK


def compress(value, block, counter, length, flags):
    """The first half of what the compression function gives: the value that goes on."""
    words = [int.from_bytes(block[at : at + 4], "little") for at in range(0, BLOCK, 4)]
    state = [*value, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for _ in range(7):
        pairs = iter(words)
        for a, b, c, d in COLUMNS + DIAGONALS:
            state[a] = (state[a] + state[b] + next(pairs)) & MASK
            state[d] = turned(state[d] ^ state[a], 16)
            state[c] = (state[c] + state[d]) & MASK
            state[b] = turned(state[b] ^ state[c], 12)
            state[a] = (state[a] + state[b] + next(pairs)) & MASK
            state[d] = turned(state[d] ^ state[a], 8)
            state[c] = (state[c] + state[d]) & MASK
            state[b] = turned(state[b] ^ state[c], 7)
        words = [words[at] for at in ORDER]
    return [state[at] ^ state[at + 8] for at in range(8)]


def chunk_value(chunk, counter, root):
    value = IV
    blocks = [chunk[at : at + BLOCK] for at in range(0, len(chunk), BLOCK)] or [b""]
    for number, block in enumerate(blocks):
        flags = CHUNK_START if number == 0 else 0
        if number == len(blocks) - 1:
            flags |= CHUNK_END | root
        value = compress(value, block.ljust(BLOCK, b"\0"), counter, len(block), flags)
    return value


def tree_value(content, counter, root):
    if len(content) <= CHUNK:
        return chunk_value(content, counter, root)
    # On the left as many chunks as the largest power of two that leaves something for the right.
    left = CHUNK << ((len(content) - 1) // CHUNK).bit_length() - 1
    halves = tree_value(content[:left], counter, 0) + tree_value(content[left:], counter + left // CHUNK, 0)
    return compress(IV, b"".join(word.to_bytes(4, "little") for word in halves), 0, BLOCK, PARENT | root)


def blake3(content):
    return b"".join(word.to_bytes(4, "little") for word in tree_value(content, 0, ROOT))
