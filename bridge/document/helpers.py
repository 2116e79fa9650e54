"""What programs put beside a mail's text and files for themselves, and no reader sees. Runs in the child.

Told by the bytes where these tell it; by the name for what has none of its own.
"""

import re

from bridge.document import covertext
from bridge.document.kinds import Kind
from bridge.document.pieces import Piece
from bridge.runtime.phrases import phrase

FORK = phrase("holds only what a Mac keeps beside a file; the file itself is another part of the mail")
OF_OFFICE = phrase("is only of use to the program that wrote the mail")
KEY = phrase("a key for encrypted mail is not faxed")
LOOK = phrase("only tells programs how the text is to look")
LITTER = phrase("is nothing but a note that a system made for itself")
MAILER_LINE = phrase("only a line that the mail program adds")

_LITTER = {"thumbs.db", ".ds_store", "desktop.ini"}
_OF_OFFICE = {"oledata.mso", "editdata.mso"}
_OF_LOOK = {"text/css", "text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript"}
_ACTIVE_MIME = b"ActiveMime"
_KEY = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"

_BEGINS = re.compile(
    r"sent (?:from|via|with|using)|get outlook|gesendet (?:von|mit|aus)|von meine[mr]|diese \S+ wurde von meine[mr]|"
    r"holen sie sich outlook|outlook für|"
    r"envoy[ée]e? (?:de|depuis|par|avec|à partir|via)|(?:téléchargez|obtenir) outlook|"
    r"outlook pour|enviado (?:desde|de|por|con)|(?:obtener|obtén|descargar?) outlook|outlook para",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"\b(?:i-?phone|i-?pad|i-?pod|android|galaxy|samsung|blackberry|windows|mobile|phone|smartphone|tablet|handy|"
    r"mobilgerät|mobiltelefon|telefon|gerät|pixel|huawei|xiaomi|nokia|sony|htc|motorola|oneplus|móvil|teléfono|celular|"
    r"dispositivo|téléphone|portable|appareil|device|outlook|e?-?mail|gmail|yahoo|proton|aol|gmx|t-online|thunderbird)\b",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[\w .+'/-]{8,80}[.!]?")
_ADDRESS = re.compile(r"[<(\[]?https?://[^\s<>()\[\]]+[>)\]]?")
_RULE = re.compile(r"[-_=*\s]*")
_LONGEST = 400
_PLAIN = str.maketrans({"\xa0": " ", "\u2019": "'", "\xae": None, "\u2122": None})


def reason(piece: Piece) -> str:
    """Why a file is for nobody to read; empty if it may be."""
    name = piece.name.rpartition("/")[2].rpartition(": ")[2].lower()
    if piece.kind is Kind.FORK:
        return FORK
    if piece.content.startswith(_ACTIVE_MIME) or name in _OF_OFFICE:
        return OF_OFFICE
    if piece.type == "application/pgp-keys" or piece.content.lstrip().startswith(_KEY):
        return KEY
    if not piece.attached and (piece.type in _OF_LOOK or piece.location.lower().endswith((".css", ".js"))):
        return LOOK
    return LITTER if name in _LITTER else ""


def is_drawing_of_office(piece: Piece) -> bool:
    """Whether it is a drawing that Windows alone draws, packed or not."""
    packed = piece.content.startswith(b"\x1f\x8b") and piece.name.lower().endswith((".wmz", ".emz"))
    return packed or piece.kind is Kind.METAFILE


def is_mailer_line(piece: Piece) -> bool:
    """Whether a text says nothing but what it was sent from."""
    if len(piece.content) > _LONGEST and piece.kind is Kind.TEXT:
        return False
    text = covertext.read(piece, trim=False)
    if len(text) > _LONGEST:
        return False
    lines = [_ADDRESS.sub("", line).strip() for line in text.translate(_PLAIN).split("\n")]
    said = [line for line in lines if not _RULE.fullmatch(line)]
    return bool(said) and all(map(_is_of_a_mailer, said))


def _is_of_a_mailer(line: str) -> bool:
    return bool(_BEGINS.match(line) and _DEVICE.search(line) and _WORDS.fullmatch(line))
