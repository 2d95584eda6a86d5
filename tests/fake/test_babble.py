import pytest

from harness.fake.babble import babble
from harness.media.levels import SpeechDetector, mean_square
from harness.media.opus import Decoder


@pytest.mark.parametrize(("seconds", "packets"), [(0.0, 1), (0.02, 1), (1.0, 50), (10.0, 500)])
def test_it_lasts_as_long_as_asked(seconds: float, packets: int) -> None:
    assert len(babble(seconds)) == packets


def test_it_is_the_same_every_time() -> None:
    assert babble(3.0) == babble(3.0)


def test_it_is_heard_as_one_run_of_speech_from_its_start_to_its_end() -> None:
    decoder, detector = Decoder(), SpeechDetector()
    changes = []
    for index, packet in enumerate(babble(5.0)):
        samples = decoder.decode(packet)
        frame, change = detector.listen(index * 0.02, samples, mean_square(samples))
        assert frame.level_dbfs < -6.0
        changes += [change] if change else []
    (started,) = changes
    assert started.state == "started"
    assert started.at == 0.0
