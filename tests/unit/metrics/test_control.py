"""The state of control as metrics."""

from typing import get_args

from keyhole.control.list_refresh.status import ListState
from keyhole.metrics import ControlReport, EngineReport, ListReport, control_metrics, render
from keyhole.metrics.control import LIST_STATES


def _page(report: ControlReport) -> str:
    return render(control_metrics(report), "text/plain").octets.decode()


def test_metrics_know_each_state_of_a_list() -> None:
    assert get_args(ListState) == LIST_STATES


def test_a_list_has_its_size_its_state_and_the_time_of_its_last_confirmation() -> None:
    lists = [
        ListReport("ads", "in force", 1200, 7, 1_795_640_400.0),
        ListReport("own", "unused", None, None, None),
    ]
    page = _page(ControlReport(parts=[], engines=[], lists=lists, certificates={}))
    assert 'keyhole_list_names{list="ads"} 1200.0' in page
    assert 'keyhole_list_skipped_lines{list="ads"} 7.0' in page
    assert 'keyhole_list_checked_timestamp_seconds{list="ads"} 1.7956404e+09' in page
    assert 'keyhole_list_state{list="own",state="unused"} 1.0' in page
    assert 'keyhole_list_state{list="own",state="in force"} 0.0' in page
    assert 'keyhole_list_names{list="own"}' not in page


def test_an_engine_says_how_many_snapshots_it_lacks_where_that_is_known() -> None:
    engines = [
        EngineReport("local", "behind", 0.5, True, 3),
        EngineReport("berlin", "never seen", None, False, None),
    ]
    page = _page(ControlReport(parts=[], engines=engines, lists=[], certificates={}))
    assert 'keyhole_engine_snapshots_behind{engine="local"} 3.0' in page
    assert 'keyhole_engine_snapshots_behind{engine="berlin"}' not in page
    assert 'keyhole_engine_withdrawals_outstanding{engine="berlin"} 1.0' in page
