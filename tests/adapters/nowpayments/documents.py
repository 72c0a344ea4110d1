"""Random documents such as an IPN might be, and Node's own answer to what is signed of them."""

from __future__ import annotations

import json
import math
import struct
import subprocess
from collections.abc import Sequence
from random import Random

TEXT = 'abcXYZ019 _-/"\\<>&\n\t\x01\x1f\x7fОпёé✓😀\u2028\ue000'
NODE = r"""
const sort = (value) => Array.isArray(value) ? value.map(sort)
    : value && typeof value === 'object'
    ? Object.keys(value).sort().reduce(add(value), {}) : value
const add = (value) => (all, key) => { all[key] = sort(value[key]); return all }
const documents = JSON.parse(require('fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(documents.map((text) => JSON.stringify(sort(JSON.parse(text))))))
"""


def random_documents(count: int, seed: int) -> list[str]:
    """Objects as JSON texts, half of them in ASCII."""
    random = Random(seed)
    return [
        json.dumps(
            {_text(random) or "k": _value(random, 0) for _ in range(6)},
            ensure_ascii=random.random() < 0.5,
        )
        for _ in range(count)
    ]


def asked_of_node(documents: Sequence[str]) -> list[str]:
    """`JSON.stringify` of each, its keys sorted as NOWPayments' SDK does; needs `node`."""
    done = subprocess.run(
        ["node", "-e", NODE],
        input=json.dumps(documents),
        text=True,
        capture_output=True,
        check=True,
    )
    answers: list[str] = json.loads(done.stdout)
    return answers


def _value(random: Random, depth: int) -> object:
    kind = random.randrange(9)
    if kind < 4:
        return _number(random)
    if kind < 6:
        return _text(random)
    if kind == 6 or depth > 2:
        return random.choice([None, True, False])
    if kind == 7:
        return [_value(random, depth + 1) for _ in range(random.randrange(4))]
    return {_key(random): _value(random, depth + 1) for _ in range(random.randrange(5))}


def _key(random: Random) -> str:
    kind = random.randrange(10)
    if kind == 0:
        return random.choice(["__proto__", "toJSON", "length"])
    return _text(random) if kind < 8 else str(random.randrange(2**33))


def _number(random: Random) -> float:
    match random.randrange(9):
        case 0:
            return random.randrange(-(10**6), 10**6)
        case 1:
            return random.randrange(10**17)
        case 2:
            return round(random.uniform(0, 10**6), random.randrange(9))
        case 3:
            return random.uniform(0, 1) * 10.0 ** random.randrange(-12, 3)
        case 4:
            return float(random.randrange(10**6))
        case 5:
            return 10.0 ** random.randrange(-10, 25)
        case 6:
            return random.choice([-0.0, 2**53, 2**53 + 1, 10**30, 5e-324, 1.7976931348623157e308])
        case 7:
            number = float(struct.unpack("d", struct.pack("Q", random.getrandbits(64)))[0])
            return number if math.isfinite(number) else 0.5
        case _:
            return -random.uniform(0, 1) * 10.0 ** random.randrange(-9, 22)


def _text(random: Random) -> str:
    return "".join(random.choice(TEXT) for _ in range(random.randrange(8)))
