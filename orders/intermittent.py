"""The models for things that are ordered now and then, from the library `statsforecast`, where it is installed.

It is the extra `forecast`: with pandas and scipy behind it, it weighs more than Packline itself. Imported when somebody
asks for the first time, since that takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import structlog

from orders.forecasting import Model

log = structlog.get_logger(__name__)

# How quickly TSB forgets how much, and how often: Teunter, Syntetos and Babai recommend small ones for slow things.
# https://doi.org/10.1016/j.ejor.2011.05.018
_TSB_SIZE, _TSB_CHANCE = 0.2, 0.1


@cache
def models() -> Mapping[str, Model]:
    """The library's models by our names, in the order in which ties are decided; none where it is not installed."""
    try:
        import numpy as np
        from statsforecast import models as library
    except ImportError:
        log.info("forecasts by the moving average alone", missing="the extra forecast")
        return MappingProxyType({})

    def asking(model: Any) -> Callable[[Sequence[int]], float]:
        def ask(weeks: Sequence[int]) -> float:
            return float(model.forecast(y=np.asarray(weeks, dtype=np.float64), h=1)["mean"][0])

        return ask

    made = {
        "exponential_smoothing": library.SimpleExponentialSmoothingOptimized(),
        "croston_sba": library.CrostonSBA(),
        "tsb": library.TSB(alpha_d=_TSB_SIZE, alpha_p=_TSB_CHANCE),
        "adida": library.ADIDA(),
        "imapa": library.IMAPA(),
    }
    return MappingProxyType({name: asking(model) for name, model in made.items()})
