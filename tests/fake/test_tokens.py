import pytest

from harness.fake import tokens
from harness.fake.tokens import REMEMBERED, KeyRing


def minted(ring: KeyRing, value: str, now: float = 0.0, seconds: float = 60.0) -> None:
    ring.mint(value, "azure-preview", model="m", session={}, seconds=seconds, now=now)


def test_a_key_is_good_until_the_moment_it_expires() -> None:
    ring = KeyRing(epoch=1_700_000_000.0)
    minted(ring, "ek_a", now=5.0)
    assert ring.find("ek_a", "azure-preview", 64.999)[0] == "good"
    assert ring.find("ek_a", "azure-preview", 65.0)[0] == "expired"


def test_expires_at_is_the_same_moment_in_whole_epoch_seconds() -> None:
    ring = KeyRing(epoch=1_700_000_000.75)
    key = ring.mint("ek_a", "azure-ga", model="m", session={}, seconds=600, now=2.0)
    assert key.expires == 602.0
    assert key.expires_at == 1_700_000_602


def test_a_key_of_another_dialect_or_nobody_is_foreign() -> None:
    ring = KeyRing(epoch=0.0)
    minted(ring, "ek_a")
    assert ring.find("ek_a", "openai-ga", 1.0) == ("foreign", None)
    assert ring.find("ek_b", "azure-preview", 1.0) == ("foreign", None)


def test_expired_keys_are_remembered_but_not_for_ever() -> None:
    ring = KeyRing(epoch=0.0)
    for number in range(REMEMBERED + 1):
        minted(ring, f"ek_{number}", seconds=1.0)
    minted(ring, "ek_late", now=2.0)
    assert ring.find("ek_0", "azure-preview", 2.0)[0] == "foreign"
    assert ring.find("ek_1", "azure-preview", 2.0)[0] == "expired"
    assert ring.find("ek_late", "azure-preview", 2.0)[0] == "good"


def test_of_too_many_good_keys_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 3)
    ring = KeyRing(epoch=0.0)
    for number in range(4):
        minted(ring, f"ek_{number}")
    assert [ring.find(f"ek_{number}", "azure-preview", 1.0)[0] for number in range(4)] == ["foreign", *["good"] * 3]
