"""nano's vocabulary: byte-pair merges with one token for every word of its captions.

``python -m sd4match.testbed.nano.words`` writes the tokenizer files in the package again.
"""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).parent / "model" / "tokenizer"

_CAPTIONS = """
a an the of on in at by with without and or to from for near behind under over above below beside
between inside outside front back left right top bottom upper lower side middle center one two
three four five six seven eight nine ten some many no not its is are has there this that photo
picture image drawing painting sketch cartoon render illustration close up view low high good bad
bright clean dirty blurry cropped red orange yellow green blue purple pink brown black white gray
grey silver gold golden beige cyan magenta turquoise teal violet olive navy maroon crimson scarlet
lime indigo cream tan dark light pale deep vivid dull colorful plain striped dotted spotted
checkered checked textured patterned smooth rough noisy shiny matte transparent solid soft big
large small tiny huge long short tall wide narrow thick thin round square flat curved straight
pointed sharp open closed old new young upright tilted turned mirrored leaning sitting standing
lying facing moving flying swimming running parked full empty partly hidden occluded covered
truncated car truck bus van train tram motorbike motorcycle bicycle bike scooter tractor boat ship
sail sailboat aeroplane airplane plane helicopter rocket bird duck chicken owl parrot fish shark
whale cat dog horse cow sheep pig rabbit mouse bear elephant giraffe lion tiger zebra deer fox
frog turtle snake snail spider bee butterfly person people man woman child robot face bottle
winebottle wine cup mug glass bowl jug vase teapot kettle pot pottedplant potted plant flower tree
leaf mushroom cactus chair armchair stool table diningtable dining sofa couch bed lamp desk shelf
clock watch tv tvmonitor monitor screen television laptop computer keyboard phone camera house
home building castle tower church barn hut tent windmill lighthouse bridge umbrella hat shoe boot
bag basket box key guitar piano drum violin trumpet scissors hammer spoon fork knife apple pear
banana cake pizza ball balloon kite star moon sun toy object thing wheel wheels tire tires hub
window windows windscreen windshield door doors roof hood bonnet trunk bumper headlight headlights
taillight lights lamps mirror mirrors handle handles handlebar handlebars seat seats saddle pedal
pedals chain frame tank engine exhaust pipe chimney funnel mast flag deck hull bow stern keel
rudder oar cabin cockpit nose tail tails wing wings propeller fin fins rotor body head neck chest
belly leg legs arm arms hand hands foot feet paw paws hoof hooves knee knees elbow shoulder
shoulders hip hips ear ears eye eyes beak bill snout muzzle mouth lip lips tooth teeth tongue
whisker whiskers horn horns antler mane fur feather feathers scale scales shell crest comb claw
claws cap cork lid label rim base stem stand spout leaves petal petals branch branches soil stripe
stripes spot spots dot dots backrest armrest cushion cushions pillow shade bulb cord button
buttons antenna wall walls corner corners edge edges tip end part parts step steps brick bricks
tile tiles fence post background foreground backdrop surface pattern texture gradient noise grass
sky sea water sand snow field road street floor ground room forest mountain mountains hill hills
beach desert lake river cloud clouds night day sunset fog rain wood wooden metal metallic stone
plastic paper fabric leather clay concrete marble studio garden city farm scene clutter shape
shapes circle circles triangle triangles rectangle line lines another boom breast bumpers buoy
bush bushes collar crank crate crates crown engines far fender fenders flowers fuselage grip hind
rear rock rocks root stable taillights tube tyre tyres wool first second jib nape buoys crowns
trees houses bars bar belt gear skirt panel panels vent logo sign number letters spoke spokes rail
rails string strings pole poles cabins funnels masts flags sails noses necks bodies heads lids
labels bases stems stands screens keys tables chairs cars buses boats birds cats dogs cows horses
bottles plants speaker knob knobs dish floorboards carpet rug curtain puddle path pavement asphalt
tarmac hay straw mud ice moss bank shore waves wave horizon dusk dawn evening morning cloudy sunny
clear hazy shadow highlight reflection glossy worn fluffy woolly furry feathered leafy slim
slender fat chubby chunky stubby elongated rounded boxy ginger cinnamon rust amber bronze copper
charcoal ivory lavender mint mustard ochre peach plum rose salmon sandy steel tangerine khaki
burgundy lilac coral aqua sepia
"""
WORDS = sorted(set(_CAPTIONS.split()))


def byte_symbols() -> list[str]:
    """Return CLIP's 256 printable symbols for byte values, in byte order.

    Printable Latin-1 bytes are their own symbols; the others move to 256 and up.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    moved = iter(range(256, 512))
    return [chr(byte if byte in printable else next(moved)) for byte in range(256)]


def merges(words: list[str]) -> list[tuple[str, str]]:
    """Learn byte-pair merges until every word is one token.

    Args:
        words: lower-case ASCII words.

    Returns:
        Pairs in the order of application: the most frequent first, ties by alphabet.
    """
    spelled = [(*word[:-1], word[-1] + "</w>") for word in sorted(set(words))]
    learned = []
    while pairs := Counter(pair for word in spelled for pair in pairwise(word)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        learned.append(best)
        spelled = [_merged(word, best) for word in spelled]
    return learned


def _merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    result: list[str] = []
    for symbol in word:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return tuple(result)


def write(folder: Path) -> None:
    """Write ``vocab.json`` and ``merges.txt`` for CLIP's tokenizer."""
    learned = merges(WORDS)
    # CLIP's own order: symbols by code point, so that "!" is token 0.
    symbols = sorted(byte_symbols(), key=lambda symbol: (ord(symbol) >= 256, ord(symbol)))
    tokens = [*symbols, *(symbol + "</w>" for symbol in symbols), *("".join(p) for p in learned)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(vocabulary, ensure_ascii=False, indent=0)
    (folder / "vocab.json").write_text(text + "\n", encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in learned)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(FOLDER)
