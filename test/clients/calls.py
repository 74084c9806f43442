"""Every operation of the examples, by clients that openapi-python-client makes of their documents."""
import json
import sys

from inference import Client as Inference
from inference.api.default import read
from inference.types import File as InferenceFile
from named import Client as Named
from named.api.default import find, mirror, move, pair
from named.models import Colour, MoveBody, Point, Tree
from prime_factor import Client as PrimeFactor
from prime_factor.api.health import ping
from prime_factor.api.prime_factors import hello
from prime_factor.models import HelloBody, InvalidInput
from thumbnail import Client as Thumbnail
from thumbnail.api.pictures import create
from thumbnail.models import CreateFormat
from thumbnail.types import File

servers, picture_path = sys.argv[1:]
urls = json.loads(servers)
with open(picture_path, "rb") as file:
    picture = file.read()

client = PrimeFactor(base_url=urls["prime-factor"])
assert hello.sync(client=client, body=HelloBody(n=600851475143)).largest_prime_factor == 6857
refused = hello.sync(client=client, body=HelloBody(n=1))
assert isinstance(refused, InvalidInput) and refused.errors[0].path == ["body", "n"]
assert ping.sync(client=client).ping == "pong!"

client = Thumbnail(base_url=urls["thumbnail"])
small = create.sync(
    client=client, body=File(payload=picture), width=8, format_=CreateFormat.PNG
)
assert isinstance(small, File) and small.payload.read(4) == b"\x89PNG"

client = Inference(base_url=urls["inference"])
line = read.sync(client=client, body=InferenceFile(payload=picture))
assert line.text == "Capstan reads 42 lines."

client = Named(base_url=urls["named"])
point = Point(x=1, colour=Colour.RED)
moved = move.sync(client=client, body=MoveBody(point=point, by=2))
assert isinstance(moved, Point) and moved.x == 3 and moved.colour == Colour.RED
tree = mirror.sync(client=client, body=Tree(point=point, children=[Tree(point=point, children=[])]))
assert isinstance(tree, Tree) and tree.children[0].point.x == -1
assert pair.sync(client=client, body=[1, point.to_dict()])[1] == 1
found = find.sync(client=client, colour=Colour.RED, also=[Colour.GREEN])
assert [(one.x, one.colour) for one in found] == [(0, Colour.RED), (1, Colour.GREEN)]
