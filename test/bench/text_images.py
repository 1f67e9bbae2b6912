"""Draws images with known text. usage: text_images.py FOLDER PHOTO [...]

FOLDER/lines: one cropped line of text each, half of them upside down (_180). FOLDER/pages: photos with text.
"""
import os
import random
import sys

from PIL import Image, ImageDraw, ImageFont

WORDS = "export engine bridge coffee river 2048 market station open daily fresh bread north garden 1972 exit platform".split()


def colours(dice):
    dark = tuple(dice.randrange(0, 90) for _ in range(3))
    light = tuple(dice.randrange(165, 256) for _ in range(3))
    return (dark, light) if dice.random() < 0.6 else (light, dark)


def text_of(dice, words):
    return " ".join(dice.choice((str.lower, str.upper, str.title))(dice.choice(WORDS)) for _ in range(words))


def line(dice, photo):
    ink, paper = colours(dice)
    font = ImageFont.load_default(dice.randrange(26, 40))
    text = text_of(dice, dice.randrange(1, 4))
    width, height = (int(size) for size in font.getbbox(text)[2:])
    picture = Image.new("RGB", (width + 12, height + 12), paper)
    ground = photo.resize(picture.size)
    picture = Image.blend(picture, ground, dice.uniform(0.0, 0.35))
    ImageDraw.Draw(picture).text((6, 4), text, font=font, fill=ink)
    return picture.resize((192, 48), Image.BICUBIC)


def page(dice, photo):
    picture = photo.resize((320, 320))
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randrange(2, 6)):
        ink, paper = colours(dice)
        font = ImageFont.load_default(dice.randrange(14, 34))
        place = (dice.randrange(0, 180), dice.randrange(0, 280))
        text = text_of(dice, dice.randrange(1, 3))
        if dice.random() < 0.5:
            draw.rectangle(draw.textbbox(place, text, font=font), fill=paper)
        draw.text(place, text, font=font, fill=ink)
    return picture


folder, *photos = sys.argv[1:]
dice = random.Random(5)
for kind in ("lines", "pages"):
    os.makedirs(os.path.join(folder, kind))
for number, path in enumerate(photos):
    photo = Image.open(path).convert("RGB")
    page(dice, photo).save(os.path.join(folder, "pages", f"{number:03d}.png"))
    for _ in range(2):
        turned = dice.random() < 0.5
        picture = line(dice, photo)
        name = f"{number:03d}{_}_{180 if turned else 0}.png"
        (picture.rotate(180) if turned else picture).save(os.path.join(folder, "lines", name))
