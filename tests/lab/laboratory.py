"""One network with what its hosts are made of."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .cache import CACHE
from .debian import debian
from .host import Host, Image
from .model import models
from .network import Network
from .wheelhouse import wheelhouse


class Laboratory:
    """`with` opens the network, and takes network and frozen disks away."""

    def __init__(self) -> None:
        with ThreadPoolExecutor() as builders:  # a mirror and an index are waited for
            image, wheels = builders.submit(debian), builders.submit(wheelhouse)
        self.bare = Image((image.result(),))
        self.shown = {"/srv/wheels": wheels.result(), "/srv/models": models()}
        self.network = Network()
        self._numbers = itertools.count()
        self._frozen: list[Image] = []

    def __enter__(self) -> Laboratory:
        self.network.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.network.close()
        for image in self._frozen:
            shutil.rmtree(image.layers[0])

    def host(self, name: str, image: Image | None = None, number: int | None = None) -> Host:
        """A host to be started by `with`: bare, and with an address of its own, unless told."""
        number = next(self._numbers) if number is None else number
        return Host(name, self.network, image or self.bare, number, self.shown)

    def without(self, image: Image, *paths: str) -> Image:
        """The image with these files gone from its disk, until the lab closes."""
        layer = Path(tempfile.mkdtemp(prefix="layer-without-", dir=CACHE / "hosts"))
        layer.chmod(0o755)
        for path in paths:
            gone = layer / path.lstrip("/")
            gone.parent.mkdir(parents=True, exist_ok=True)
            os.mknod(gone, stat.S_IFCHR, os.makedev(0, 0))  # so an overlay says that there is none
        less = Image((layer, *image.layers))
        self._frozen.append(less)
        return less

    def freeze(self, host: Host) -> Image:
        """The disk of a host, which is shut down, as an image for others until the lab closes."""
        image = host.freeze()
        self._frozen.append(image)
        return image
