"""Draws the small pictures that stand beside words: one stroke of one width on a grid of 24."""

from __future__ import annotations

from types import MappingProxyType

from markupsafe import Markup

SHAPES = MappingProxyType(
    {
        "alert": '<path d="M12 4 2.8 20h18.4z"/><path d="M12 10v4"/><path d="M12 17v.01"/>',
        "arrow-left": '<path d="M19 12H5"/><path d="m11 6-6 6 6 6"/>',
        "arrow-right": '<path d="M5 12h14"/><path d="m13 6 6 6-6 6"/>',
        "ban": '<circle cx="12" cy="12" r="9"/><path d="m6 6 12 12"/>',
        "bolt": '<path d="M13 3 5 14h6l-1 7 8-11h-6z"/>',
        "box": '<path d="m4 8 8-4 8 4v8l-8 4-8-4z"/><path d="m4 8 8 4 8-4"/><path d="M12 12v8"/>',
        "card": '<rect x="3" y="6" width="18" height="12" rx="2"/><path d="M3 10h18"/>',
        "check": '<path d="m5 12 5 5L20 7"/>',
        "check-circle": '<circle cx="12" cy="12" r="9"/><path d="m8 12 3 3 5-6"/>',
        "circle": '<circle cx="12" cy="12" r="8"/>',
        "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
        "dot": '<circle cx="12" cy="12" r="4" fill="currentColor" stroke="none"/>',
        "download": '<path d="M12 4v11"/><path d="m7 11 5 5 5-5"/><path d="M5 20h14"/>',
        "eye": '<path d="M2 12c3-5 6.3-7.5 10-7.5s7 2.5 10 7.5c-3 5-6.3 7.5-10 7.5s-7-2.5-10-7.5z"/>'
        '<circle cx="12" cy="12" r="3"/>',
        "file": '<path d="M6 3h8l4 4v14H6z"/><path d="M14 3v4h4"/>',
        "flag": '<path d="M6 21V4h11l-2 4 2 4H6"/>',
        "gauge": '<path d="M4 17a8 8 0 1 1 16 0"/><path d="m12 15 4-5"/><path d="M4 17h3"/><path d="M17 17h3"/>',
        "home": '<path d="m4 11 8-7 8 7"/><path d="M6 10v10h12V10"/>',
        "inbox": '<path d="m4 13 3-8h10l3 8v6H4z"/><path d="M4 13h5l1 3h4l1-3h5"/>',
        "list": '<path d="M4 6h16"/><path d="M4 12h16"/><path d="M4 18h10"/>',
        "lock": '<rect x="5" y="11" width="14" height="9" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3"/>',
        "menu": '<path d="M4 7h16"/><path d="M4 12h16"/><path d="M4 17h16"/>',
        "message": '<path d="M4 5h16v11H9l-5 4z"/>',
        "out": '<path d="M10 4H5v16h5"/><path d="M10 12h10"/><path d="m16 8 4 4-4 4"/>',
        "pause": '<circle cx="12" cy="12" r="9"/><path d="M10 9v6"/><path d="M14 9v6"/>',
        "pin": '<path d="M12 21c5-5 7-8 7-11a7 7 0 0 0-14 0c0 3 2 6 7 11z"/><circle cx="12" cy="10" r="2"/>',
        "play": '<path d="m8 5 11 7-11 7z"/>',
        "plug": '<path d="M9 3v5"/><path d="M15 3v5"/><path d="M6 8h12v3a6 6 0 0 1-12 0z"/><path d="M12 17v4"/>',
        "question": '<circle cx="12" cy="12" r="9"/><path d="M9.5 10a2.5 2.5 0 1 1 3.5 2.2c-.7.4-1 .9-1 1.6"/>'
        '<path d="M12 17v.01"/>',
        "refresh": '<path d="M19 8a8 8 0 1 0 1 5"/><path d="M20 3v5h-5"/>',
        "return": '<path d="m9 6-5 5 5 5"/><path d="M4 11h11a4.5 4.5 0 0 1 0 9h-2"/>',
        "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5 5"/>',
        "shop": '<path d="M4 9 6 4h12l2 5"/><path d="M4 9v11h16V9"/><path d="M4 9h16"/><path d="M10 20v-6h4v6"/>',
        "sliders": '<path d="M4 7h9"/><path d="M17 7h3"/><circle cx="15" cy="7" r="2"/><path d="M4 17h3"/>'
        '<path d="M11 17h9"/><circle cx="9" cy="17" r="2"/>',
        "stack": '<path d="m12 4 8 4-8 4-8-4z"/><path d="m4 12 8 4 8-4"/><path d="m4 16 8 4 8-4"/>',
        "truck": '<path d="M3 6h11v10H3z"/><path d="M14 10h4l3 3v3h-7"/><circle cx="7.5" cy="17.5" r="1.8"/>'
        '<circle cx="17" cy="17.5" r="1.8"/>',
        "user": '<circle cx="12" cy="8" r="4"/><path d="M4 20c1-4 4-6 8-6s7 2 8 6"/>',
        "x": '<path d="m6 6 12 12"/><path d="M18 6 6 18"/>',
    }
)


def icon(name: str) -> Markup:
    """An icon for the eye only: what it says stands in a word beside it."""
    return Markup(  # noqa: S704 # nosec B704 # our own constant shapes, nothing from outside
        '<svg class="icon" viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{SHAPES[name]}</svg>'
    )
