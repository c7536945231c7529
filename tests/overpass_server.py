"""A stand-in Overpass server on this machine, and the ways in which a real one fails."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from circle15.sources.osm import read_osm

SMALL = "out count;"  # ends the question that only asks whether a server is awake


@contextmanager
def overpass(answer):
    """Give the address and the list of questions; `answer` takes one and gives (status, text), or None for silence."""
    heard, ended = [], threading.Event()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append((self.path, parse_qs(body)["data"][0], self.headers["User-Agent"]))
            said = answer(heard[-1][1])
            if said is None:
                ended.wait()
                return
            self.send_response(said[0])
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(said[1].encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api", heard
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


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
    return lambda query: (200, '{"elements": []}' if query.endswith(SMALL) else text)
