"""Places of China by the names people write, and distances."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.network import geography
from tongpan.network.geography import distance_km, locate


@pytest.mark.parametrize(
    ("province", "city", "code"),
    [
        ("上海", "", "310000"),
        ("上海市", "上海市", "310000"),
        ("", "上海", "310000"),
        ("内蒙古", "", "150000"),
        ("内蒙古", "呼和浩特", "150100"),
        ("新疆", "石河子", "659001"),
        ("广西", "南宁市", "450100"),
        ("", "杭州", "330100"),
        ("浙江", "杭州", "330100"),
        (" 浙江 省 ", "杭州 市", "330100"),
        ("浙江省", "浙江省杭州市", "330100"),
        ("", "恩施", "422800"),
        ("", "大理", "532900"),
        ("吉林", "吉林", "220200"),
        ("吉林", "", "220000"),
        ("海南", "海南", "460000"),
        ("", "昆山", "320583"),
        ("北京", "朝阳", "110105"),
        ("北京市", "北京市朝阳区", "110105"),
        ("", "朝阳", "211300"),
        ("湖北", "仙桃", "429004"),
        ("重庆", "忠县", "500233"),
        ("山东", "即墨", "370215"),
        ("", "香港", "810000"),
    ],
)
def test_a_place_is_found_by_the_names_people_write(province, city, code):
    assert locate(province, city).code == code


@pytest.mark.parametrize(
    ("_case", "province", "city"),
    [
        ("in several cities", "", "鼓楼区"),
        ("in several cities of the province", "江苏", "鼓楼"),
        ("a province and a city elsewhere", "", "海南"),
        ("a province and its city", "", "吉林"),
        ("of another province", "广东", "洛阳"),
        ("unknown city", "四川", "不存在"),
        ("unknown province", "桃花源", "杭州"),
        ("nothing at all", "", ""),
        ("not a name", "", "\x00"),
    ],
)
def test_what_is_unknown_or_ambiguous_is_not_guessed(_case, province, city):
    assert locate(province, city) is None


def test_a_place_says_what_its_point_stands_for():
    assert locate("浙江", "杭州") == geography.Place("330100", "浙江省", "杭州市", "", 30.24692, 120.209789, "city")
    assert locate("", "昆山").level == "district"
    assert locate("上海", "").level == "province"
    # made after the coordinates were collected: the point of its city stands in
    assert locate("浙江", "临平区")[3:] == ("临平区", 30.24692, 120.209789, "city")
    # of the cities of Taiwan only the province's point is known
    assert locate("台湾", "高雄")[2:] == ("高雄市", "", 25.044332, 121.509062, "province")


def test_every_province_is_found_by_its_long_and_its_short_name():
    places = [p for p in geography._tables().places.values() if p.code.endswith("0000") and not p.city]

    assert len(places) == 34
    for place in places:
        for name in geography._spellings(place.province):
            assert locate(name, "") == place


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((31.230372, 121.473662), (39.904211, 116.407394), 1067.3),  # Shanghai to Beijing
        ((0, 0), (0, 180), math.pi * geography.EARTH_RADIUS_KM),
        ((90, 0), (-90, 77), math.pi * geography.EARTH_RADIUS_KM),
        ((0, 179.5), (0, -179.5), 111.195),
        ((30.0, 120.0), (30.0, 120.0), 0.0),
    ],
)
def test_distances(one, other, km):
    assert distance_km(*one, *other) == pytest.approx(km, abs=0.5 if km > 1000 else 0.01)


POINTS = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(POINTS, POINTS)
def test_a_distance_is_the_same_both_ways_and_never_more_than_half_way_round(one, other):
    there = distance_km(*one, *other)

    assert there == pytest.approx(distance_km(*other, *one), abs=1e-6)
    assert 0 <= there <= math.pi * geography.EARTH_RADIUS_KM + 1e-6


def test_loading_the_tables_takes_under_50_milliseconds_and_happens_on_first_use():
    program = (
        "from tongpan.network import geography as g; import time\n"
        "assert g._tables.cache_info().currsize == 0\n"
        "best = []\n"
        "for _ in range(3):\n"
        "    g._tables.cache_clear(); start = time.process_time(); g._tables()\n"
        "    best.append(time.process_time() - start)\n"
        "print(min(best))"
    )
    seconds = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(geography.__file__).parents[2])},
    ).stdout

    assert float(seconds) < 0.05
