from harness.fake.traces import LONGEST_FAILURE, UNCLAIMED, Traces, Unrecorded
from harness.trace import Header, Recorder

ME, OTHER = ("127.0.0.1", "me"), ("127.0.0.1", "other")


def traces() -> tuple[Traces, list[Recorder]]:
    closed: list[Recorder] = []
    return Traces(lambda dialect: Recorder(Header("service", dialect), lambda: 0.0), closed.append, lambda: 0.0), closed


def test_a_retry_stands_behind_the_failure_of_the_same_client() -> None:
    book, _ = traces()
    first = book.open("azure-ga", ME)
    book.failed(first, ME)
    assert book.open("azure-ga", OTHER) is not first
    assert book.open("openai-ga", ME) is not first
    assert book.open("azure-ga", ME) is first
    assert book.open("azure-ga", ME) is not first


def test_a_key_carries_its_trace_to_the_call() -> None:
    book, _ = traces()
    recorder = book.open("azure-ga", ME)
    book.minted(recorder, "ek_a")
    assert book.open("azure-ga", ME) is not recorder
    assert book.open("azure-ga", OTHER, "ek_a") is recorder
    book.failed(recorder, OTHER, "ek_a")
    assert book.open("azure-ga", ME, "ek_a") is recorder


def test_a_long_lived_key_at_the_call_endpoint_stands_behind_what_was_asked_for_with_it() -> None:
    book, closed = traces()
    older, recorder = book.open("azure-ga", ME), book.open("azure-ga", ME)
    book.minted(older, "ek_a", "api-key")
    book.minted(recorder, "ek_b", "api-key")
    assert book.open("azure-ga", OTHER, "api-key") is not recorder, "only a call request is looked for by it"
    assert book.open("azure-ga", OTHER, "", "api-key") is recorder
    assert book.open("azure-ga", OTHER, "", "api-key") not in (older, recorder)
    assert book.open("azure-ga", ME, "ek_b") is not recorder, "it waits for nothing else any more"
    assert book.open("azure-ga", ME, "ek_a") is older
    assert closed == []


def test_a_call_with_the_right_key_is_not_found_again_by_the_long_lived_one() -> None:
    book, _ = traces()
    recorder = book.open("azure-ga", ME)
    book.minted(recorder, "ek_a", "api-key")
    assert book.open("azure-ga", ME, "ek_a", "ek_a") is recorder
    assert book.open("azure-ga", ME, "", "api-key") is not recorder


def test_a_trace_that_was_closed_for_want_of_room_is_not_found_again() -> None:
    book, closed = traces()
    recorder = book.open("azure-ga", ME)
    book.minted(recorder, "ek_first", "api-key")
    for number in range(UNCLAIMED):
        book.minted(book.open("azure-ga", OTHER), f"ek_{number}")
    assert closed == [recorder]
    assert book.open("azure-ga", ME, "", "api-key") is not recorder


def test_a_trace_is_handed_over_once() -> None:
    book, closed = traces()
    recorder = book.open("azure-ga", ME)
    book.close(recorder)
    book.close(recorder, "failed")
    assert closed == [recorder]
    assert recorder.end == "completed"


def test_what_no_call_has_taken_is_closed_at_the_end() -> None:
    book, closed = traces()
    failed, unused = book.open("azure-ga", ME), book.open("azure-ga", OTHER)
    book.failed(failed, ME)
    book.minted(unused, "ek_a")
    book.close_all()
    book.close_all()
    assert [recorder.end for recorder in closed] == ["failed", "failed"]
    assert {id(recorder) for recorder in closed} == {id(failed), id(unused)}


def test_keys_that_nobody_uses_do_not_pile_up() -> None:
    book, closed = traces()
    recorders = [book.open("azure-ga", ME) for _ in range(UNCLAIMED + 2)]
    for number, recorder in enumerate(recorders):
        book.minted(recorder, f"ek_{number}")
    assert closed == recorders[:2]


def test_without_a_maker_nothing_is_kept_and_nothing_handed_over() -> None:
    closed: list[Recorder] = []
    book = Traces(None, closed.append, lambda: 1.0)
    recorder = book.open("azure-ga", ME)
    assert isinstance(recorder, Unrecorded)
    assert recorder.record("http.request", url="x").data == {"url": "x"}
    assert recorder.entries == []
    book.close(recorder)
    assert closed == []


def test_a_preflight_belongs_to_the_trace_that_its_page_waits_with() -> None:
    book, _ = traces()
    mine, others = book.open("azure-ga", ME), book.open("azure-ga", OTHER)
    book.minted(mine, "ek_a", "", ME)
    book.minted(others, "ek_b", "", OTHER)
    assert book.asking_leave("azure-ga", ME, refused=False) is mine
    assert book.asking_leave("azure-ga", OTHER, refused=True) is others
    assert book.asking_leave("azure-ga", ("127.0.0.1", "third"), refused=False) is None, (
        "there is no telling whose it is"
    )
    assert book.open("azure-ga", ME, "ek_a") is mine, "it goes on waiting for the request itself"


def test_a_page_whose_server_minted_the_key_has_the_only_trace_that_waits() -> None:
    book, _ = traces()
    recorder = book.open("azure-ga", OTHER)
    book.minted(recorder, "ek_a", "", OTHER)
    assert book.asking_leave("azure-ga", ME, refused=True) is recorder
    assert book.asking_leave("openai-ga", ME, refused=False) is None


def test_a_refused_preflight_begins_a_trace_and_only_so_many_of_them_fill_it() -> None:
    book, closed = traces()
    assert book.asking_leave("azure-ga", ME, refused=False) is None
    recorder = book.asking_leave("azure-ga", ME, refused=True)
    assert recorder is not None
    assert book.asking_leave("azure-ga", ME, refused=True) is recorder
    for _ in range(LONGEST_FAILURE):
        recorder.record("http.preflight")
    assert book.asking_leave("azure-ga", ME, refused=True) is None
    book.close_all()
    assert closed == [recorder]


def test_nobody_watches_preflights_of_a_service_that_is_not_watched() -> None:
    assert Traces(None, lambda _: None, lambda: 0.0).asking_leave("azure-ga", ME, refused=True) is None


def test_of_several_requests_that_fail_at_once_none_is_lost() -> None:
    book, closed = traces()
    first, second = book.open("azure-ga", ME), book.open("azure-ga", ME)
    book.failed(first, ME)
    book.failed(second, ME)
    book.failed(second, ME)
    assert closed == [first]
    assert book.open("azure-ga", ME) is second
    book.close_all()
    assert closed == [first]
