"""The vault seals, opens, rotates, finds again and refuses wrong keys."""

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tongpan.access import vault
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal

RING = vault.Keyring(b"i" * 32, {1: b"a" * 32})
TEXTS = st.text(st.characters(codec="utf-8"))


@given(st.lists(TEXTS, max_size=5))
def test_what_is_sealed_opens_to_the_same_text(texts):
    sealed = RING.seal_many(texts)

    assert [RING.open_sealed(data) for data in sealed] == texts
    assert [data == b"" for data in sealed] == [text == "" for text in texts]


def test_the_same_text_is_sealed_differently_each_time():
    first, second = RING.seal_many(["张三", "张三"])

    assert first != second
    assert "张三".encode() not in first


def test_after_rotation_old_text_opens_and_new_text_names_the_new_key():
    old = RING.seal_many(["张三"])[0]

    rotated = RING.rotated()
    new = rotated.seal_many(["李四"])[0]

    assert rotated.open_sealed(old) == "张三"
    assert (old[1:3], new[1:3]) == (b"\x00\x01", b"\x00\x02")
    assert rotated.blind_index("phone", "", "1") == RING.blind_index("phone", "", "1")
    with pytest.raises(Refusal) as refused:
        RING.open_sealed(new)
    assert refused.value.code == "vault.unknown_key"


@pytest.mark.parametrize("position", [0, 1, 2, 5, 20, -1])
def test_changed_bytes_are_refused_and_never_opened(position):
    data = bytearray(RING.seal_many(["张三 13812345678"])[0])
    data[position] ^= 1

    with pytest.raises(Refusal) as refused:
        RING.open_sealed(bytes(data))

    assert refused.value.code in ("vault.damaged", "vault.unknown_key")


def test_another_key_with_the_same_number_is_refused():
    sealed = RING.seal_many(["张三"])[0]

    with pytest.raises(Refusal) as refused:
        vault.Keyring(b"i" * 32, {1: b"b" * 32}).open_sealed(sealed)

    assert refused.value.code == "vault.damaged"
    assert "key 1" in refused.value.sentence


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS))
def test_blind_indexes_are_equal_exactly_when_their_input_is(one, other):
    same = RING.blind_index(*one) == RING.blind_index(*other)

    assert same == (one == other)
    assert len(RING.blind_index(*one)) == 16


def test_moving_a_border_between_kind_scope_and_value_changes_the_blind_index():
    digests = {RING.blind_index(*parts) for parts in [("ab", "c", "d"), ("a", "bc", "d"), ("a", "b", "cd")]}

    assert len(digests) == 3


def test_a_hundred_thousand_blind_indexes_take_under_a_second():
    start = time.process_time()

    for number in range(100_000):
        RING.blind_index("buyer", "company", str(number))

    assert time.process_time() - start < 1.0


def test_a_keyring_survives_being_written_and_read():
    ring = vault.new_keyring().rotated()

    again = vault.parse_keyring(ring.as_text(), "a file")

    assert (again.index, again.sealing, again.current_id) == (ring.index, ring.sealing, 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "index:AAAA",
        RING.as_text().replace("index", "indx"),
        "1:" + "A" * 43 + "=",
        RING.as_text() * 2,
    ],
)
def test_a_bad_key_list_is_refused_with_its_source_and_without_its_keys(text):
    with pytest.raises(Refusal) as refused:
        vault.parse_keyring(text, "the file keys.txt")

    assert refused.value.code == "vault.bad_keys"
    assert "the file keys.txt" in refused.value.sentence
    assert "YWFhYW" not in refused.value.sentence


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("", ""),
        ("张三", "张**"),
        ("欧阳娜娜", "欧**"),
        ("李", "*"),
        ("John Smith", "J** S**"),
        ("13812345678", "138****5678"),
        ("+86 138-1234-5678", "861****5678"),
        ("010-6552 9988", "010****9988"),
        ("65529988", "****88"),
        ("zhang.san@example.com", "z***@example.com"),
        ("浙江省杭州市西湖区文三路 1 号", "浙** * *"),
    ],
)
def test_masks(text, masked):
    assert vault.mask(text) == masked


@pytest.fixture
def own_secrets(tmp_path, monkeypatch):
    """A data directory of its own, and a database that has not seen any keys."""
    monkeypatch.setattr(settings, "CONFIG", type(settings.CONFIG)(tmp_path, "", "127.0.0.1", 8600))
    monkeypatch.delenv(vault.VARIABLE, raising=False)
    execute("DELETE FROM core_setting WHERE key = %s", [vault.CHECK_SETTING])
    vault.forget()
    yield tmp_path / "secrets"
    vault.forget()


@pytest.mark.django_db
def test_the_first_use_makes_keys_that_only_their_owner_reads(own_secrets):
    sealed = vault.seal("张三")

    path = own_secrets / "vault.keys"
    assert vault.open_sealed(sealed) == "张三"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in own_secrets.iterdir()] == ["vault.keys"]
    assert fetch_all("SELECT value #>> '{}' FROM core_setting WHERE key = %s", [vault.CHECK_SETTING]) == [
        (vault.parse_keyring(path.read_text(), "").check_value(),)
    ]


@pytest.mark.django_db
def test_lost_keys_are_refused_and_not_made_again(own_secrets):
    vault.seal("张三")
    (own_secrets / "vault.keys").unlink()
    vault.forget()

    with pytest.raises(Refusal) as refused:
        vault.seal("李四")

    assert refused.value.code == "vault.missing_keys"
    assert not (own_secrets / "vault.keys").exists()


@pytest.mark.django_db
def test_keys_of_another_installation_are_refused(own_secrets, monkeypatch):
    vault.seal("张三")
    monkeypatch.setenv(vault.VARIABLE, vault.new_keyring().as_text().replace("\n", ",").rstrip(","))
    vault.forget()

    with pytest.raises(Refusal) as refused:
        vault.blind_index("phone", "", "13812345678")

    assert refused.value.code == "vault.wrong_keys"


@pytest.mark.django_db
def test_keys_of_the_environment_come_before_the_file(own_secrets, monkeypatch):
    monkeypatch.setenv(vault.VARIABLE, RING.as_text().strip().replace("\n", ","))

    sealed = vault.seal("张三")

    assert RING.open_sealed(sealed) == "张三"
    assert not own_secrets.exists()
    with pytest.raises(Refusal) as refused:
        vault.rotate()
    assert refused.value.code == "vault.keys_from_environment"


@pytest.mark.django_db
def test_a_process_opens_what_another_sealed_with_a_key_added_since(own_secrets):
    vault.seal("张三")
    stale = vault.keyring()

    assert vault.rotate() == 2
    sealed = vault.seal("李四")
    vault._loaded = stale

    assert sealed[1:3] == b"\x00\x02"
    assert vault.open_sealed(sealed) == "李四"
    assert vault.keyring().current_id == 2


def test_processes_that_start_together_agree_on_one_keyring(tmp_path):
    program = f"""
import sys
from pathlib import Path
from tongpan.access.vault import _read_or_make
sys.stdin.read()
print(_read_or_make(Path({str(tmp_path)!r}) / "secrets" / "vault.keys"))
"""
    source = Path(vault.__file__).parents[2]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(source), "DJANGO_SETTINGS_MODULE": "tongpan.settings"},
        )
        for _ in range(4)
    ]

    answers = {process.communicate("")[0] for process in processes}

    assert len(answers) == 1
    assert vault.parse_keyring(answers.pop(), "").current_id == 1
