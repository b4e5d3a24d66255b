"""One network with what its hosts are made of."""

from __future__ import annotations

import itertools
import shutil

from .debian import debian
from .host import Host, Image
from .model import models
from .network import Network
from .wheelhouse import wheelhouse


class Laboratory:
    """`with` opens the network, and takes network and frozen disks away."""

    def __init__(self) -> None:
        self.bare = Image((debian(),))
        self.shown = {"/srv/wheels": wheelhouse(), "/srv/models": models()}
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

    def freeze(self, host: Host) -> Image:
        """The disk of a host, which is shut down, as an image for others until the lab closes."""
        image = host.freeze()
        self._frozen.append(image)
        return image
