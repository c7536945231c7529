"""Threads: answers in order, work inside work, scratch lent to one at a time."""

import os

import pytest

from circle15.network.threads import Spare, each, in_threads


@pytest.mark.parametrize("threads", [1, 2, 7, None])
@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_runs_cover_everything_once_in_order(threads, count):
    runs = in_threads(lambda low, high: list(range(low, high)), count, threads=threads)
    assert [one for run in runs for one in run] == list(range(count))


def test_work_inside_work_does_not_wait_for_itself():
    answers = each(lambda one: sum(each(lambda two: one * two, range(10), threads=2)), range(10), threads=2)
    assert answers == [45 * one for one in range(10)]


def test_errors_come_out():
    with pytest.raises(ZeroDivisionError):
        each(lambda one: 1 // one, [1, 0], threads=2)


def test_what_is_lent_is_kept_unless_it_broke():
    made = []
    spare = Spare(lambda: made.append(1) or [])
    spare.use(lambda one: one.append("a"))
    assert spare.use(len) == 1
    with pytest.raises(ZeroDivisionError):
        spare.use(lambda one: len(one) // 0)
    assert spare.use(len) == 0
    assert len(made) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    assert each(abs, [-1, 2], threads=2) == [1, 2]
    child = os.fork()
    if child == 0:
        os._exit(0 if each(abs, [-3, 4], threads=2) == [3, 4] else 1)
    assert os.waitpid(child, 0)[1] == 0
