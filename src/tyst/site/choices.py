"""What a customer picks for a configuration and nobody keeps: the resolver's faces, in her language."""

from django.utils.translation import gettext_lazy as _

from tyst.core.faces import CLEAN, FACES, FAMILY, PLAIN, Face, face_of

_SAID = {
    PLAIN.word: _("Blocks nothing"),
    CLEAN.word: _("Blocks ads, trackers and malware"),
    FAMILY.word: _("Blocks adult sites and gambling, too"),
}


def faces() -> list[dict[str, object]]:
    """(word, sentence, addresses) of each, for a page's list."""
    return [{"word": face.word, "said": _SAID[face.word], "dns": face.text} for face in FACES]


def chosen(word: str) -> Face:
    """The face of this word; for any other, the one that blocks nothing."""
    return face_of(word) or PLAIN
