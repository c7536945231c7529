"""A stand-in Overpass and Nominatim server on this machine, and the ways in which real ones fail."""

import json
import re
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from circle15.sources.osm import read_osm

SMALL = "out count;"  # ends the question that only asks whether a server is awake
NONE = '{"elements": []}'
IDLE = "Connected as: 1\nRate limit: 2\n2 slots available now.\nCurrently running queries (pid, space, time, start):\n"
AT_WORK = f"{IDLE}4711\t536870912\t180\t2026-11-21T03:00:00Z\n"
HANG, HANG_UP, CUT = object(), object(), object()  # silence, a closed connection, half of what was promised


class _Door(BaseHTTPRequestHandler):
    """One question and its answer."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.say(self.server.answer(self.heard(parse_qs(body)["data"][0])))

    def do_GET(self):
        asked = urlsplit(self.path)
        if asked.path.endswith("/status"):
            self.say(HANG if self.server.status is HANG else (200, self.server.status))
        else:
            self.say(self.server.places(self.heard(parse_qs(asked.query)["q"][0])))

    def heard(self, question):
        self.server.heard.append((self.path, question, self.headers["User-Agent"]))
        return question

    def say(self, said):
        if said is HANG:
            self.server.ended.wait()
        elif said is HANG_UP:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.send(*said)

    def send(self, code, text):
        content = text.encode()
        self.send_response(200 if code is CUT else code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content) * (2 if code is CUT else 1)))
        self.end_headers()
        third = len(content) // 3
        for part in (content[:third], content[third:]) if self.server.drip else (content,):
            self.server.ended.wait(self.server.drip)
            self.wfile.write(part)

    def finish(self):
        with suppress(OSError, ValueError):  # whoever asked has gone away
            super().finish()

    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


@contextmanager
def overpass(answer, *, status=IDLE, places=None, drip=0.0):
    """Give the address and the list of questions.

    `answer` takes a question and gives (status, text), or HANG or HANG_UP, or (CUT, text); `status` is the page that
    says what the server is doing; `places` takes a name and gives what Nominatim says; `drip` is the
    pause in seconds before each piece of a reply.
    """
    server = _Server(("127.0.0.1", 0), _Door)
    server.answer, server.status, server.places, server.drip = answer, status, places, drip
    server.heard, server.ended = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api", server.heard
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def dead_address():
    """An address on this machine at which nobody is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


def reply_of(*files):
    """What Overpass would say that held just these files."""
    found = read_osm(*files)
    places = zip(found.node_ids.tolist(), found.lonlat.tolist(), strict=True)
    elements = [
        {"type": "node", "id": ref, "lon": lon, "lat": lat, "tags": found.node_tags.get(ref, {})}
        for ref, (lon, lat) in places
    ]
    elements += [
        {"type": "way", "id": ref, "nodes": way.nodes.tolist(), "tags": way.tags} for ref, way in found.ways.items()
    ]
    elements += [
        {
            "type": "relation",
            "id": ref,
            "members": [dict(zip(("type", "ref", "role"), one, strict=True)) for one in relation.members],
            "tags": relation.tags,
        }
        for ref, relation in found.relations.items()
    ]
    return json.dumps({"osm3s": {"timestamp_osm_base": "2026-11-20T08:00:00Z"}, "elements": elements})


def says(text):
    """An awake server that holds `text`."""
    return lambda query: (200, NONE if query.endswith(SMALL) else text)


def after_waking(answer):
    """A server that answers the small question, and `answer` to all others."""
    return lambda query: (200, NONE) if query.endswith(SMALL) else answer


def real_replies(folder):
    """The replies that real servers gave for a real district: streets, all tagged places, and the district's name."""
    texts = {
        name: (folder / f"overpass_{name}.json").read_text(encoding="utf-8")
        for name in ("walk", "buildings", "pois", "stations")
    }
    parts = [json.loads(texts[name]) for name in ("buildings", "pois", "stations")]
    tagged = json.dumps(parts[0] | {"elements": [one for part in parts for one in part["elements"]]})

    def answer(query):
        walk = re.search(r'way\["highway"\]', query)
        return says(texts["walk"] if walk else tagged if "building" in query else NONE)(query)

    nominatim = (folder / "nominatim_yuzhong.json").read_text(encoding="utf-8")
    return answer, lambda name: (200, nominatim if "渝中" in name or "Yuzhong" in name else "[]")


FAILURES = {  # how a server may fail -> what it does instead of answering
    "429": lambda _: (429, "{}"),
    "504": lambda _: (504, "<html>504</html>"),
    "truncated": lambda _: (200, '{"version": 0.6, "elements": [{"type": "node", "id"'),
    "broken off": lambda _: (CUT, '{"version": 0.6, "elements": []}'),
    "web page": lambda _: (200, "<!DOCTYPE html><html><body>The server is probably too busy</body></html>"),
    "not json at all": lambda _: (200, "OK"),
    "empty": lambda _: (200, ""),
    "hang": lambda _: HANG,
    "hang up": lambda _: HANG_UP,
    "429 later": after_waking((429, "{}")),
    "504 later": after_waking((504, "")),
    "truncated later": after_waking((200, '{"elements": [{"type": "node", "id"')),
    "broken off later": after_waking((CUT, '{"elements": []}')),
    "web page later": after_waking((200, "<html>busy</html>")),
    "hang later": after_waking(HANG),
    "hang up later": after_waking(HANG_UP),
    "remark later": after_waking((200, '{"elements": [], "remark": "runtime error: Query timed out"}')),
}
