"""Validated addresses: which participant a datagram comes from.

A hash table with open addressing and linear probing over the 28-octet addresses of all slots.
Its entries name a place in ``slots[…]["addresses"]``, where the address itself stands.
"""

from typing import Final

import numpy as np

from sfu.compiled import compiled, compiled_within
from sfu.plane.counters import Counter
from sfu.plane.layouts import ADDRESS_WORDS, ADDRESSES, Record
from sfu.plane.tables import Tables

Words = np.ndarray[tuple[int, ...], np.dtype[np.int32]]

_MULTIPLIER: Final = 0x2545F491  # odd and below 2³⁰, so that a product stays below 2⁶³


@compiled_within
def _hash(words: Words, at: int) -> int:
    value = 0x1B873593
    for index in range(ADDRESS_WORDS):
        word = int(np.int64(words[at + index])) & 0xFFFFFFFF
        value = ((value ^ word) * _MULTIPLIER) & 0xFFFFFFFF
        value ^= value >> 15
    return value


@compiled_within
def _is_at(t: Tables, place: int, words: Words, at: int) -> bool:
    stored = t.slots[place // ADDRESSES]["addresses"]
    index = place % ADDRESSES
    same = True
    for word in range(ADDRESS_WORDS):
        same = same and stored[index, word] == words[at + word]
    return bool(same)


@compiled
def find_address(t: Tables, words: Words, at: int) -> int:
    """``slot * ADDRESSES + index`` of the address in ``words`` from ``at`` on, or −1."""
    mask = t.places.size - 1
    entry = _hash(words, at) & mask
    while t.places[entry] >= 0:
        place = int(np.int64(t.places[entry]))
        if _is_at(t, place, words, at):
            return place
        entry = (entry + 1) & mask
    return -1


@compiled_within
def _forget(t: Tables, slot: int, index: int) -> None:
    """Take an address out of the hash table (Knuth volume 3, algorithm 6.4R)."""
    mask = t.places.size - 1
    words = t.slots[slot]["addresses"][index]
    entry = _hash(words, 0) & mask
    wanted = slot * ADDRESSES + index
    while t.places[entry] != wanted:
        if t.places[entry] < 0:
            return
        entry = (entry + 1) & mask
    empty = entry
    entry = (entry + 1) & mask
    while t.places[entry] >= 0:
        place = int(np.int64(t.places[entry]))
        home = _hash(t.slots[place // ADDRESSES]["addresses"][place % ADDRESSES], 0) & mask
        # move the entry into the gap unless its home lies cyclically behind the gap
        if ((entry - home) & mask) >= ((entry - empty) & mask):
            t.places[empty] = place
            empty = entry
        entry = (entry + 1) & mask
    t.places[empty] = -1


@compiled_within
def _place_for(slot: Record) -> int:
    """A free index for one more address, or that of the oldest which is not sent to."""
    if slot["address_count"] < ADDRESSES:
        return int(slot["address_count"])
    oldest = -1
    for index in range(ADDRESSES):
        is_older = oldest < 0 or slot["address_added"][index] < slot["address_added"][oldest]
        if index != slot["remote"] and is_older:
            oldest = index
    return oldest


@compiled
def add_address(t: Tables, slot: int, words: Words) -> int:
    """Make an address one of ``slot``'s validated ones; returns its index.

    An address that another slot had moves over: the latest authenticated binding counts. When
    the slot has its eight, the oldest leaves.
    """
    place = find_address(t, words, 0)
    if place >= 0 and place // ADDRESSES == slot:
        return place % ADDRESSES
    if place >= 0:
        t.counts[Counter.ADDRESS_MOVED] += 1
        _remove_address(t, place // ADDRESSES, place % ADDRESSES)
    record = t.slots[slot]
    index = _place_for(record)
    if index < record["address_count"]:
        t.counts[Counter.ADDRESS_REPLACED] += 1
        _forget(t, slot, index)
    else:
        record["address_count"] += 1
    for word in range(ADDRESS_WORDS):
        record["addresses"][index, word] = words[word]
    record["address_heard_ns"][index] = 0
    t.state[0]["address_serial"] += 1
    record["address_added"][index] = t.state[0]["address_serial"]
    mask = t.places.size - 1
    entry = _hash(words, 0) & mask
    while t.places[entry] >= 0:
        entry = (entry + 1) & mask
    t.places[entry] = slot * ADDRESSES + index
    return index


@compiled_within
def _remove_address(t: Tables, slot: int, index: int) -> None:
    """Take one address from a slot; its last one moves into the gap."""
    record = t.slots[slot]
    last = int(record["address_count"]) - 1
    _forget(t, slot, index)
    if record["remote"] == index:
        record["remote"] = -1
    if index != last:
        _forget(t, slot, last)
        for word in range(ADDRESS_WORDS):
            record["addresses"][index, word] = record["addresses"][last, word]
        record["address_heard_ns"][index] = record["address_heard_ns"][last]
        record["address_added"][index] = record["address_added"][last]
        if record["remote"] == last:
            record["remote"] = index
        mask = t.places.size - 1
        entry = _hash(record["addresses"][index], 0) & mask
        while t.places[entry] >= 0:
            entry = (entry + 1) & mask
        t.places[entry] = slot * ADDRESSES + index
    record["address_count"] = last


@compiled
def remove_addresses(t: Tables, slot: int) -> None:
    """Forget all addresses of ``slot``."""
    record = t.slots[slot]
    while record["address_count"] > 0:
        _remove_address(t, slot, int(record["address_count"]) - 1)


@compiled_within
def hear_from(t: Tables, slot: int, index: int) -> None:
    """An authenticated packet came from address ``index`` of ``slot``: now, by a clock nobody sets.

    What we send goes to another validated address only when authenticated packets come from
    there and the present one has been silent for a while.
    """
    record = t.slots[slot]
    now_ns = int(t.state[0]["steady_ns"])
    record["last_heard_ns"] = now_ns
    record["address_heard_ns"][index] = now_ns
    remote = int(record["remote"])
    if remote == index:
        return
    if remote < 0:
        record["remote"] = index
        return
    if now_ns - record["address_heard_ns"][remote] >= t.state[0]["silence_ns"]:
        record["remote"] = index
