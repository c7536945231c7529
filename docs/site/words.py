"""How the search of the site cuts text into words: English at its edges and by its stems, Chinese into pairs.

Chinese has no spaces between words. Every two neighbouring characters are a word of the index, and a question is cut
the same way, so 生活圈 is found wherever 生活 and 活圈 are. No dictionary is needed, and no word can be missing from
one: names of places are found as surely as common words. Single characters are indexed too.
"""

import re

from docutils import nodes
from sphinx.search.en import SearchEnglish

HAN = "\u3400-\u9fff"
LATIN = "\u2fff"  # Chinese characters and their punctuation come after it
WORDS = re.compile(rf"[{HAN}]+|[^\W{HAN}]+")


def pairs(run: str) -> list[str]:
    """Neighbouring characters of a run of Chinese; a single one is itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


class ChineseAndEnglish(SearchEnglish):
    """Both languages in one index."""

    lang = "zh-en"
    language_name = "English"  # of the stemmer
    js_splitter_code = rf"""
var splitQuery = (query) =>  // words.py, in the browser
  (query.match(/[{HAN}]+|(?:(?![{HAN}])[\p{{L}}\p{{N}}_])+/gu) ?? []).flatMap((word) =>
    /[{HAN}]{{2}}/.test(word) ? Array.from(word.slice(1), (second, at) => word[at] + second) : [word],
  );
"""

    def split(self, input: str) -> list[str]:  # noqa: A002  named so by Sphinx
        """Words of a text for the index."""
        found = []
        for word in WORDS.findall(input):
            if re.match(f"[{HAN}]", word):
                found += [*pairs(word), *word]
            else:
                found.append(word)
        return found


def close_up(_: object, document: nodes.document) -> None:
    """Take out the blank that a line end within a Chinese sentence would leave."""
    for end in [one for one in document.findall(nodes.Text) if one == "\n"]:
        place = end.parent.index(end)
        around = end.parent[place - 1 : place] + end.parent[place + 1 : place + 2]
        before, after = (one.astext() for one in around) if len(around) == 2 else ("", "")  # noqa: PLR2004
        if before[-1:] > LATIN and after[:1] > LATIN:
            end.parent.remove(end)
