"""Draws images with known text. usage: text_images.py FOLDER PHOTO [...]

FOLDER/lines: one cropped line of text each, half of them upside down (_180). FOLDER/pages: photos with text.
FOLDER/seals: pages stamped with red seals, whose text follows the ring.
"""
import math
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


def seal(dice):
    side = dice.randrange(110, 170)
    red = (dice.randrange(170, 230), dice.randrange(10, 50), dice.randrange(20, 60), dice.randrange(200, 256))
    stamp = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(stamp)
    draw.ellipse((3, 3, side - 4, side - 4), outline=red, width=dice.randrange(3, 6))
    middle, radius = side / 2, side * 0.11
    points = [(radius * (1 + i % 2), math.pi * (0.5 + i / 5)) for i in range(10)]
    draw.polygon([(middle - r * math.cos(turn), middle - r * math.sin(turn)) for r, turn in points], fill=red)
    font = ImageFont.load_default(side // 7)
    text = text_of(dice, 3).upper()[:22]
    for i, letter in enumerate(text):
        turn = math.radians(-130 + 260 * (i + 0.5) / len(text))
        glyph = Image.new("RGBA", (side // 5, side // 5))
        ImageDraw.Draw(glyph).text((side // 10, side // 10), letter, font=font, fill=red, anchor="mm")
        glyph = glyph.rotate(-math.degrees(turn), Image.BICUBIC)
        reach = side * 0.36
        at = (middle + reach * math.sin(turn), middle - reach * math.cos(turn))
        stamp.alpha_composite(glyph, tuple(int(place - side // 10) for place in at))
    return stamp.rotate(dice.uniform(-25, 25), Image.BICUBIC)


def stamped(dice, picture):
    for _ in range(dice.randrange(1, 4)):
        stamp = seal(dice)
        picture.paste(stamp, tuple(dice.randrange(0, 320 - stamp.width) for _ in range(2)), stamp)
    return picture


folder, *photos = sys.argv[1:]
dice = random.Random(5)
seal_dice = random.Random(6)
for kind in ("lines", "pages", "seals"):
    os.makedirs(os.path.join(folder, kind))
for number, path in enumerate(photos):
    photo = Image.open(path).convert("RGB")
    written = page(dice, photo)
    written.save(os.path.join(folder, "pages", f"{number:03d}.png"))
    stamped(seal_dice, written).save(os.path.join(folder, "seals", f"{number:03d}.png"))
    for _ in range(2):
        turned = dice.random() < 0.5
        picture = line(dice, photo)
        name = f"{number:03d}{_}_{180 if turned else 0}.png"
        (picture.rotate(180) if turned else picture).save(os.path.join(folder, "lines", name))
