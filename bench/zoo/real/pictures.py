"""Pictures that fit the models: text and codes that are drawn, the bundled cat, and the astronaut of scikit-image (NASA, public domain)."""
import io
import zipfile
from pathlib import Path

import segno
from PIL import Image, ImageDraw, ImageFont

ASSETS = Path(__file__).resolve().parents[3] / "assets" / "pictures"
PAPER, INK = (236, 232, 220), (40, 40, 70)
FACE = (164, 66, 284, 186)
"""Box of the astronaut's face in the 512×512 photograph: left, top, right, bottom."""


def _text(picture: Image.Image, at: tuple[int, int], words: str, height: int) -> None:
    ImageDraw.Draw(picture).text(at, words, fill=INK, font=ImageFont.load_default(size=height), anchor="mm")


def word(size, _wheels):
    picture = Image.new("RGB", size, PAPER)
    _text(picture, (size[0] // 2, size[1] // 2), "K7PX", round(size[1] * 0.65))
    return picture


def line(size, _wheels):
    picture = Image.new("RGB", size, PAPER)
    _text(picture, (size[0] // 2, size[1] // 2), "onnx-cam maps", round(size[1] * 0.55))
    return picture


def page(size, _wheels):
    """Lines of text, turned by 180°."""
    picture = Image.new("RGB", size, PAPER)
    for row, words in enumerate(("Class activation", "maps show where", "a network looks", "in a picture")):
        _text(picture, (size[0] // 2, round(size[1] * (0.2 + 0.2 * row))), words, size[1] // 10)
    return picture.rotate(180)


def scattered(size, _wheels):
    picture = Image.open(ASSETS / "coffee.jpg").convert("RGB").resize(size, Image.Resampling.BILINEAR)
    for words, x, y in (("K", 0.2, 0.25), ("7", 0.6, 0.2), ("P", 0.75, 0.6), ("X", 0.3, 0.7)):
        _text(picture, (round(size[0] * x), round(size[1] * y)), words, size[1] // 6)
    return picture


def label(text: str, side: int) -> Image.Image:
    """A QR code with its quiet zone, [side, side]."""
    png = io.BytesIO()
    segno.make(text, error="m").save(png, kind="png", scale=8, border=4)
    return Image.open(png).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)


def with_label() -> Image.Image:
    """The bundled cup of coffee with a QR code on the table before it."""
    picture = Image.open(ASSETS / "coffee.jpg").convert("RGB")
    picture.paste(label("onnx-cam", 110), (20, 270))
    return picture


def qr(size, _wheels):
    """Scaled to the longer side and filled with grey below, as YOLOX does."""
    photo = with_label()
    scale = min(size[0] / photo.width, size[1] / photo.height)
    picture = Image.new("RGB", size, (114, 114, 114))
    picture.paste(photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BILINEAR))
    return picture


def cat(size, _wheels):
    return Image.open(ASSETS / "cat.png").convert("RGB").resize(size, Image.Resampling.BILINEAR)


def _astronaut(wheels: Path) -> Image.Image:
    with zipfile.ZipFile(next(wheels.glob("scikit_image-*.whl"))) as package:
        return Image.open(io.BytesIO(package.read("skimage/data/astronaut.png"))).convert("RGB")


def face(size, wheels):
    """Rows and columns exchanged, as MTCNN's networks were trained (Caffe from MATLAB)."""
    crop = _astronaut(wheels).crop(FACE).resize(size, Image.Resampling.BILINEAR)
    return crop.transpose(Image.Transpose.TRANSPOSE)


def portrait(size, wheels):
    crop = _astronaut(wheels).crop((96, 0, 352, 256)).resize(size, Image.Resampling.BILINEAR)
    return crop.transpose(Image.Transpose.TRANSPOSE)


def head(size, wheels):
    return _astronaut(wheels).crop((134, 36, 314, 216)).resize(size, Image.Resampling.BILINEAR)


def person(size, wheels):
    return _astronaut(wheels).resize(size, Image.Resampling.BILINEAR)


PICTURES = {one.__name__: one for one in (word, line, page, scattered, qr, cat, face, portrait, head, person)}
SCIKIT_IMAGE = "scikit-image==0.26.0"
