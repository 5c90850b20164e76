"""Where a Chinese province, city or district lies, and how far two places are apart.

Pure; the tables load on first use.

Names are matched as people write them: "上海" for 上海市, "内蒙古" for 内蒙古自治区, "恩施" for
恩施土家族苗族自治州. A name that could mean several places of the same rank is not guessed.
"""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Literal, NamedTuple

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth, (2a + b) / 3 of the GRS 80 ellipsoid (IUGG)."""

Level = Literal["province", "city", "district"]


class Place(NamedTuple):
    """A division and a point of it. code: six digits (GB/T 2260). Degrees are GCJ-02, as Chinese maps use.

    level: what the point stands for; a district without a point of its own has that of its city.
    """

    code: str
    province: str
    city: str
    district: str
    latitude: float
    longitude: float
    level: Level


@functools.lru_cache(maxsize=20_000)
def locate(province: str, city: str) -> Place | None:
    """The place called ``city`` (a city, or a district or county) in ``province``; either may be empty.

    Without a city it is the province itself, at its capital. A city wins over a district of the same name,
    and a division of today over one that was renamed. None when nothing has the name, or several places of
    the same rank have it.
    """
    tables = _tables()
    province, city = _clean(province), _clean(city)
    provinces = tables.provinces.get(province, ())
    if province and len(provinces) != 1:
        return None
    if not city:
        return tables.places[provinces[0]] if province else None
    if province:
        found = _below(tables, provinces[0][:2], _without_province(city, tables.names_of[provinces[0]]))
        return found or (tables.places[provinces[0]] if city in tables.names_of[provinces[0]] else None)
    as_province = tables.provinces.get(city, ())
    if not as_province:
        return _below(tables, "", city)
    return None if city in tables.cities else tables.places[as_province[0]]  # 吉林, 海南 are both


def _below(tables: _Tables, prefix: str, name: str) -> Place | None:
    """The one city, else the one district, called ``name`` whose code begins with ``prefix``."""
    for table in (tables.cities, tables.districts):
        matches = [code for code in table.get(name, ()) if code.startswith(prefix)]
        matches = [code for code in matches if code in tables.current] or matches
        if matches:
            return tables.places[matches[0]] if len(matches) == 1 else None
    return None


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The great-circle distance of two points in kilometres, on a sphere of the Earth's mean radius.

    Haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984, p. 159), which
    keeps its precision for near points. The error against the ellipsoid is at most about 0.5 %.
    """
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_phi, half_lambda = (phi2 - phi1) / 2, math.radians(lon2 - lon1) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_lambda) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


# Rows that group others and name no place of their own.
_GROUPS = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_PEOPLES = (
    "蒙古族|蒙古|回族|藏族|维吾尔|苗族|彝族|壮族|布依族|朝鲜族|满族|侗族|瑶族|白族|土家族|"
    "哈尼族|哈萨克族|哈萨克|傣族|黎族|傈僳族|佤族|畲族|拉祜族|水族|东乡族|纳西族|景颇族|"
    "柯尔克孜|土族|达斡尔族|仫佬族|羌族|布朗族|撒拉族|毛南族|仡佬族|锡伯|阿昌族|普米族|"
    "塔吉克|怒族|鄂温克族|德昂族|保安族|裕固族|独龙族|鄂伦春|各族"
)
_RANKS = "省|市|地区|盟|特别行政区|林区|矿区|新区|自治区|自治州|自治县|自治旗|联合旗|区|县|旗"
_RANK = re.compile(rf"(?:{_RANKS})$")
_PEOPLES_AND_RANK = re.compile(rf"(?:{_PEOPLES})*(?:{_RANKS})$")


class _Tables(NamedTuple):
    """places: code -> place. current: the codes of today. names_of: province code -> names, longest first.

    The rest: name, long or short -> codes.
    """

    places: dict[str, Place]
    current: frozenset[str]
    provinces: dict[str, tuple[str, ...]]
    cities: dict[str, tuple[str, ...]]
    districts: dict[str, tuple[str, ...]]
    names_of: dict[str, tuple[str, ...]]


@functools.cache
def _tables() -> _Tables:
    points: dict[str, tuple[float, float]] = {}
    names: dict[str, str] = {}
    for adcode, name, longitude, latitude in _rows("cpca_adcodes_latlng.csv"):
        code = adcode[:6]
        names[code] = name
        if latitude:
            points[code] = (float(latitude), float(longitude))
    today = {
        code.ljust(6, "0"): name
        for file in ("provinces.csv", "cities.csv", "areas.csv")
        for code, name, *_ in _rows(file)
    }
    names |= today

    places: dict[str, Place] = {}
    by_level: dict[Level, dict[str, list[str]]] = {
        "province": defaultdict(list),
        "city": defaultdict(list),
        "district": defaultdict(list),
    }
    for code, name in sorted(names.items()):
        if name in _GROUPS:
            continue
        level: Level = "province" if code[2:] == "0000" else "city" if code[4:] == "00" else "district"
        province, city = code[:2] + "0000", code[:4] + "00"
        point = points.get(code) or points.get(city)
        if point is None:
            continue  # nothing nearer than the province is known: no place to ship to
        city_name = "" if level == "province" or names.get(city) in _GROUPS else names.get(city, "")
        places[code] = Place(
            code,
            names[province],
            city_name,
            name if level == "district" else "",
            *point,
            level if code in points else "city",
        )
        for spelling in _spellings(name):
            by_level[level][spelling].append(code)
    _add_islands(places, by_level["city"])
    provinces, cities, districts = (
        {name: tuple(codes) for name, codes in by_level[level].items()} for level in ("province", "city", "district")
    )
    names_of: dict[str, list[str]] = defaultdict(list)
    for name, codes in provinces.items():
        names_of[codes[0]].append(name)
    return _Tables(
        places,
        frozenset(today),
        provinces,
        cities,
        districts,
        {code: tuple(sorted(spellings, key=len, reverse=True)) for code, spellings in names_of.items()},
    )


def _add_islands(places: dict[str, Place], cities: dict[str, list[str]]) -> None:
    """The cities of Taiwan, Hong Kong and Macao; only their province has a point."""
    by_name = {place.province: place for place in places.values() if place.level == "province"}
    text = gzip.decompress(files("tongpan.network").joinpath("data/HK-MO-TW.json.gz").read_bytes())
    for province, below in json.loads(text).items():
        for number, city in enumerate(below, start=1):
            code = f"{by_name[province].code[:2]}{number:02}00"
            places[code] = by_name[province]._replace(city=city)
            for spelling in _spellings(city):
                cities[spelling].append(code)


def _rows(name: str) -> Iterator[list[str]]:
    packed = files("tongpan.network").joinpath(f"data/{name}.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8-sig")))
    next(rows)
    return rows


def _spellings(name: str) -> Iterable[str]:
    """The full name; the name without its rank, and without its peoples too, while two characters remain."""
    shorter = {_RANK.sub("", name)}
    if name[-3:-1] in ("自治", "联合"):
        shorter.add(_PEOPLES_AND_RANK.sub("", name))
    return {name} | {short for short in shorter if len(short) >= 2}


def _clean(name: str) -> str:
    return re.sub(r"\s+", "", name)


def _without_province(city: str, province_names: Iterable[str]) -> str:
    """ "浙江省杭州市" -> "杭州市"; a name that is nothing but the province's stays."""
    for name in province_names:
        if len(city) > len(name) + 1 and city.startswith(name):
            return city[len(name) :]
    return city
