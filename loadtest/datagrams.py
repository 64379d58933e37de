"""What a virtual participant sends, on its way to the node. Compiled."""

from loadtest.arrival_profile import Integers
from loadtest.table import FD, OUTBOUND
from sfu.compiled import compiled
from sfu.native import ADDRESS_SIZE, MSG_DONTWAIT, SRTP_OK, sendto, srtp_protect_rtcp

_SOCKADDR_IN = 16  # octets


@compiled
def send_datagram(
    rows: Integers, row: int, names_address: int, packet_address: int, octets: int
) -> bool:
    """Send so many octets from the socket of ``row``; False when the kernel takes none."""
    name = names_address + row * ADDRESS_SIZE
    fd = int(rows[row, FD])
    return bool(sendto(fd, packet_address, octets, MSG_DONTWAIT, name, _SOCKADDR_IN) >= 0)


@compiled
def send_rtcp(
    rows: Integers,
    row: int,
    names_address: int,
    packet_address: int,
    length: Integers,
    length_address: int,
) -> bool:
    """Protect the RTCP of ``length[0]`` octets and send it; False when libsrtp refuses it."""
    if srtp_protect_rtcp(int(rows[row, OUTBOUND]), packet_address, length_address) != SRTP_OK:
        return False
    send_datagram(rows, row, names_address, packet_address, int(length[0]))
    return True
