"""A filter that the kernel applies to captured frames (classic BPF, packet(7))."""

import ctypes
import socket
import struct
from collections.abc import Collection

_SO_ATTACH_FILTER = 26
_IFINDEX = 0xFFFFF000 + 8  # SKF_AD_OFF + SKF_AD_IFINDEX of linux/filter.h
_LOAD_WORD, _LOAD_HALF, _LOAD_OCTET = 0x20, 0x28, 0x30
_LOAD_HALF_INDEXED, _LOAD_IP_LENGTH = 0x48, 0xB1
_JUMP_IF_EQUAL, _RETURN = 0x15, 0x06
_IPV4, _TCP = 0x0800, 6
_WHOLE = 1 << 18

Instruction = tuple[int, int, int, int]
"""Operation, jump where true, jump where false, operand."""


def leave_out_other_loopback(tap: socket.socket, ports: Collection[int]) -> None:
    """Of loopback, takes of TCP over IPv4 only frames from or to these ports: a busy machine would
    drown in the rest. Everything else is taken: all UDP, IPv6, and every other interface."""
    octets = b"".join(struct.pack("HBBI", *one) for one in _program(sorted(ports)))
    code = ctypes.create_string_buffer(octets, len(octets))
    # struct sock_fprog: the number of instructions, and where they are.
    header = struct.pack("HL", len(octets) // 8, ctypes.addressof(code))
    tap.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)


def _program(ports: list[int]) -> list[Instruction]:
    loopback = socket.if_nametoindex("lo")
    tests: list[tuple[int, int, bool | None]] = [
        # Operation, operand, and for a test: whether frames that do not pass it are taken.
        (_LOAD_WORD, _IFINDEX, None),
        (_JUMP_IF_EQUAL, loopback, True),
        (_LOAD_HALF, 12, None),
        (_JUMP_IF_EQUAL, _IPV4, True),
        (_LOAD_OCTET, 23, None),
        (_JUMP_IF_EQUAL, _TCP, True),
        (_LOAD_IP_LENGTH, 14, None),
        (_LOAD_HALF_INDEXED, 14, None),
        *((_JUMP_IF_EQUAL, port, False) for port in ports),
        (_LOAD_HALF_INDEXED, 16, None),
        *((_JUMP_IF_EQUAL, port, False) for port in ports),
    ]
    take = len(tests) + 1
    found: list[Instruction] = []
    for place, (operation, operand, otherwise) in enumerate(tests):
        ahead = take - place - 1
        match otherwise:
            case None:
                found.append((operation, 0, 0, operand))
            case True:
                found.append((operation, 0, ahead, operand))
            case False:
                found.append((operation, ahead, 0, operand))
    return [*found, (_RETURN, 0, 0, 0), (_RETURN, 0, 0, _WHOLE)]
