"""Where an address on the network lies: for everybody, within one's own network, or on this machine."""

from __future__ import annotations

import ipaddress
import socket
from enum import IntEnum

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressScope(IntEnum):
    """From the public internet to addresses that only this machine or this wire knows."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    LINK = 3  # link-local, where clouds keep a machine's credentials; and what no server has


def address_scope_of(address: str) -> AddressScope:
    """Return where an IP address lies; raises `ValueError` for what is none."""
    ip: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(ip)
    if inner is not None:
        return max(address_scope_of(str(inner)), AddressScope.PUBLIC if ip.is_global else AddressScope.PRIVATE)
    if ip.is_loopback:
        return AddressScope.LOOPBACK
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.version == 4 and ip.is_reserved):
        return AddressScope.LINK
    is_private = not ip.is_global or any(ip in network for network in _PRIVATE)
    return AddressScope.PRIVATE if is_private else AddressScope.PUBLIC


def addresses_of(host: str, port: int) -> tuple[str, ...]:
    """Return the IP addresses of a host in the order of the system; raises `OSError` for one that nobody knows."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is not a host name") from error
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


def _inner(ip: IPAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address wraps, by whichever of the transitions."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return None
    is_wrapped = ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 1)  # 0 and 1 are `::` and `::1`
    low = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if is_wrapped else None
    return ip.ipv4_mapped or ip.sixtofour or low


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")  # the old way to write an IPv4 address, which some systems still take
# Of one's own network, whatever Python counts them to: NAT64 of one's own prefix, and site-local addresses.
_PRIVATE = (ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("fec0::/10"))
