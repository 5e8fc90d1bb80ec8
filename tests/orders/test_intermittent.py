"""The library's models behind our names: known values where it is installed, and none where it is not."""

import importlib.util
import random
import sys

import pytest

from orders import forecasting, intermittent

needs_extra = pytest.mark.skipif(
    importlib.util.find_spec("statsforecast") is None,
    reason="needs the extra: pip install --require-hashes -r requirements-forecast.lock",
)


@pytest.fixture(autouse=True)
def asked_anew():
    intermittent.models.cache_clear()
    yield
    intermittent.models.cache_clear()


def test_without_the_extra_there_is_the_moving_average_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)

    assert dict(intermittent.models()) == {}
    found = forecasting.forecast([0, 3, 0, 0] * 5, intermittent.models())
    assert isinstance(found, forecasting.Forecast)
    assert (found.model, set(found.tried)) == ("moving_average", {"moving_average"})


@needs_extra
@pytest.mark.filterwarnings("ignore")
def test_croston_says_of_a_known_series_what_the_formula_says():
    """Sizes 3, 2, 1 at distances 2, 3, 2, each smoothed by a tenth: 2.71 and 2.09; times 0.95, by Syntetos and Boylan."""
    assert intermittent.models()["croston_sba"]([0, 3, 0, 0, 2, 0, 1]) == pytest.approx(0.95 * 2.71 / 2.09)


@needs_extra
@pytest.mark.filterwarnings("ignore")
def test_every_model_says_the_rate_of_what_comes_every_week():
    for name, model in intermittent.models().items():
        assert model([4] * 20) == pytest.approx(3.8 if name == "croston_sba" else 4.0, rel=0.15), name


@needs_extra
@pytest.mark.filterwarnings("ignore")
def test_the_models_are_sound_and_the_same_each_time():
    chance = random.Random(11)
    for weeks in range(8, 60):
        history = [chance.choice((0, 0, 0, 1, 2, 9)) for _ in range(weeks)]
        first = forecasting.forecast(history, intermittent.models())
        intermittent.models.cache_clear()
        assert forecasting.forecast(history, intermittent.models()) == first
        if isinstance(first, forecasting.Forecast):
            assert set(first.tried) == {"moving_average", *intermittent.models()}


@needs_extra
@pytest.mark.filterwarnings("ignore")
def test_a_thing_that_dies_out_is_told_by_the_model_that_forgets():
    found = forecasting.forecast(
        [6, 0, 5, 7, 0, 6, 4, 0, 6, 5, 0, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0], intermittent.models()
    )

    assert isinstance(found, forecasting.Forecast)
    assert found.model != "croston_sba"
    assert found.per_week < 1
