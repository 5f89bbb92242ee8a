"""The grid of the regional map: each prefecture a tile near its neighbours, in the customary shape of Japan.

The numbers are those of JIS X 0401; an invented country numbers its prefectures from 51 on, in the same order.
"""

from __future__ import annotations

from typing import NamedTuple

COLUMNS, ROWS = 13, 11
FREE_COLUMNS, FREE_ROWS = 8, 4
"""The upper left corner of the grid, which holds no tile: the head of a figure finds room there."""
KEY_COLUMNS, KEY_ROWS = 5.7, 3
"""The lower right corner, which holds no tile either: the key stands there."""
_INVENTED = 50
_GRID = """
.. .. .. .. .. .. .. .. .. .. .. 01 ..
.. .. .. .. .. .. .. .. .. .. .. 02 ..
.. .. .. .. .. .. .. .. .. .. 05 03 ..
.. .. .. .. .. .. .. .. .. .. 06 04 ..
.. .. .. .. .. .. .. .. 17 16 15 07 ..
.. .. .. .. .. .. .. 18 21 20 10 09 ..
.. .. .. 32 31 28 26 25 23 22 19 11 08
.. .. 35 34 33 .. 27 29 24 .. 14 13 12
42 41 40 .. 38 37 30 .. .. .. .. .. ..
.. 43 44 .. 39 36 .. .. .. .. .. .. ..
47 46 45 .. .. .. .. .. .. .. .. .. ..
"""
_PLACES = {
    number: (column, row)
    for row, line in enumerate(_GRID.split("\n")[1:-1])
    for column, number in enumerate(line.split())
    if number != ".."
}


class Prefecture(NamedTuple):
    """What readers of English call a prefecture, and its short sign on the map."""

    name: str
    short: str


_NAMES = """
Hokkaido HKD Aomori AOM Iwate IWT Miyagi MYG Akita AKT Yamagata YGT Fukushima FKS Ibaraki IBR Tochigi TCG Gunma GNM
Saitama STM Chiba CHB Tokyo TKY Kanagawa KNG Niigata NGT Toyama TYM Ishikawa ISK Fukui FKI Yamanashi YNS Nagano NGN
Gifu GIF Shizuoka SZO Aichi AIC Mie MIE Shiga SHG Kyoto KYT Osaka OSK Hyogo HYG Nara NAR Wakayama WKY Tottori TTR
Shimane SMN Okayama OKY Hiroshima HRS Yamaguchi YGC Tokushima TKS Kagawa KGW Ehime EHM Kochi KOC Fukuoka FKO
Saga SAG Nagasaki NGS Kumamoto KMM Oita OIT Miyazaki MYZ Kagoshima KGS Okinawa OKN
"""
PREFECTURES = {
    f"{number:02d}": Prefecture(name, short)
    for number, (name, short) in enumerate(zip(_NAMES.split()[::2], _NAMES.split()[1::2], strict=True), 1)
}
"""The 47 prefectures by the number that begins their codes."""


def place_of(number: str) -> tuple[int, int] | None:
    """Column and row of the region whose codes begin with this number; None for one that is not of this country."""
    if not number.isdigit():
        return None
    one = int(number)
    return _PLACES.get(f"{one - _INVENTED if one > _INVENTED else one:02d}")
