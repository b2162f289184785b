"""Markdown as HTML: what it may hold is a list, and nothing else passes. No picture, no address of
a script."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
}


def html(text: str) -> str:
    made = (
        MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
        .enable(["table", "strikethrough"])
        .render(text)
    )
    return nh3.clean(
        made,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
